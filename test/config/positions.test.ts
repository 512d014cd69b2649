import test from 'ava';
import { parse } from 'smol-toml';
import { locateKeys } from '../../src/config/positions.js';

const at = (toml: string, ...path: string[]): string | null => {
  parse(toml); // the scanner is only ever given valid documents
  const position = locateKeys(toml).of(path);
  return position === null ? null : `${position.line}:${position.column}`;
};

test('headers and plain keys are found', (t) => {
  const toml = '# first\n[server]\nhost = "a"\n  port = 1\n\n[ wal ]\nx = 1\n';
  t.is(at(toml, 'server'), '2:2');
  t.is(at(toml, 'server', 'host'), '3:1');
  t.is(at(toml, 'server', 'port'), '4:3');
  t.is(at(toml, 'wal', 'x'), '7:1');
  t.is(at(toml, 'server', 'x'), null);
});

test('dotted keys give each part its place', (t) => {
  const toml = 'server.port = 1\nserver . host = "b"\n';
  t.is(at(toml, 'server'), '1:1');
  t.is(at(toml, 'server', 'port'), '1:8');
  t.is(at(toml, 'server', 'host'), '2:10');
});

test('quoted keys are read with their escapes', (t) => {
  const toml = '["ser\\u0076er"]\n\'po.rt\' = 1\n"a\\"b" = 2\n';
  t.is(at(toml, 'server'), '1:2');
  t.is(at(toml, 'server', 'po.rt'), '2:1');
  t.is(at(toml, 'server', 'a"b'), '3:1');
});

test('keys inside inline tables are found, also across lines of an array', (t) => {
  const toml =
    'server = { host = "}", port = 1 }\nlist = [\n  { a = 1 }, # ]\n  { b = [1, 2] },\n]\nlast = 1\n';
  t.is(at(toml, 'server', 'port'), '1:24');
  t.is(at(toml, 'list', 'b'), '4:5');
  t.is(at(toml, 'last'), '6:1');
});

test('what looks like a key inside strings and comments is none', (t) => {
  const toml = [
    '[server]',
    'a = """',
    'port = 1',
    '[wal]',
    'quote \\""" here""""',
    "b = '''",
    'port = 2 # no',
    "'''",
    'c = "# port = 3"',
    "d = '\\' # port = 4",
    'port = 5',
  ].join('\n');
  t.is(at(toml, 'server', 'port'), '11:1');
  t.is(at(toml, 'wal'), null);
});

test('CRLF line ends and array headers do not disturb the count', (t) => {
  const toml = '[server]\r\nport = 1\r\n[[more]]\r\nx = 1979-05-27 07:32:00\r\ny = 2\r\n';
  t.is(at(toml, 'server', 'port'), '2:1');
  t.is(at(toml, 'more'), '3:3');
  t.is(at(toml, 'more', 'y'), '5:1');
});

test('text that is no TOML at all ends the scan instead of hanging it', (t) => {
  for (const text of ['=', '[', ']]', 'a = [', 'a = {', 'a = "', '"', 'a = [[[{', '\0', '{}', 'a.']) {
    t.notThrows(() => locateKeys(text).of(['a']), JSON.stringify(text));
  }
});
