-- The load that wrk puts on a server: GET, PUT or both, of random keys.
-- Arguments: kind (get | put | mixed), number of keys, path template, body template.
-- NNNNNNN in a template stands for the number of a key.
--
-- Every request is built once, before the clock starts: what wrk does per request is one random number, so that the
-- cost of the client is the same whoever answers, and as small as it can be. A slow client would flatter the ratios.

local next_thread = 0

function setup(thread)
  thread:set("thread_number", next_thread)
  next_thread = next_thread + 1
end

local requests = {}
local count = 0

local function add(text)
  count = count + 1
  requests[count] = text
end

function init(args)
  local kind, keys, path, body = args[1], tonumber(args[2]), args[3], args[4]
  local host = "Host: " .. wrk.host .. ":" .. wrk.port .. "\r\n"
  for i = 0, keys - 1 do
    local number = string.format("%07d", i)
    local target = path:gsub("NNNNNNN", number)
    if kind ~= "put" then
      add("GET " .. target .. " HTTP/1.1\r\n" .. host .. "\r\n")
    end
    if kind ~= "get" then
      local content = body:gsub("NNNNNNN", number)
      add("PUT " .. target .. " HTTP/1.1\r\n" .. host .. "Content-Type: application/json\r\nContent-Length: "
        .. #content .. "\r\n\r\n" .. content)
    end
  end
  math.randomseed(os.time() * 64 + thread_number)
end

function request()
  return requests[math.random(count)]
end

-- One line for perf/wrk.ts. Times are in microseconds.
function done(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    'LUMADB_WRK {"requests":%d,"durationUs":%d,"p50Us":%d,"p99Us":%d,"p999Us":%d,"maxUs":%d,'
      .. '"errors":{"connect":%d,"read":%d,"write":%d,"timeout":%d,"status":%d}}\n',
    summary.requests, summary.duration,
    latency:percentile(50), latency:percentile(99), latency:percentile(99.9), latency.max,
    errors.connect, errors.read, errors.write, errors.timeout, errors.status))
end
