/**
 * Every shell and curl line of the operations manual that concerns one node, as an operator types it: a server on port 8080,
 * `lumadb` on the PATH, and the manual's directories. Answers are checked, not only exit codes. Statements of SQL:
 * manual-sql.test.ts; PromQL, logrotate, Docker, Kubernetes and cron: test/deploy.
 */
import test from 'ava';
import { type Ran, SandboxedMachine } from '../support/sandboxed-machine.js';

const CONFIG = `
[server]
port = 8080
[storage]
data_dir = "/var/lib/lumadb"
[logging]
directory = "/var/log/lumadb"
stdout = false
`;

interface Line {
  readonly line: string;
  /** What its output must match; default: it ends well and says something. */
  readonly says?: RegExp;
  /** Of a command that is meant to fail; default 0. */
  readonly code?: number;
  readonly check?: (ran: Ran) => boolean;
}

const json = (line: string, check: (body: Record<string, unknown>) => boolean): Line => ({
  line,
  check: ({ stdout }) => check(JSON.parse(stdout)),
});

const NUMBERS_OF_MEMORY = ['memtables', 'block_cache', 'row_cache', 'indexes', 'other'];

/** In the order of the manual. */
const WHILE_IT_RUNS: readonly Line[] = [
  // 1.1
  json('curl http://localhost:8080/health', ({ status }) => status === 'healthy'),
  json('curl http://localhost:8080/ready', ({ status }) => status === 'ready'),
  json(
    'curl http://localhost:8080/status | jq .',
    ({ shards }) => Array.isArray(shards) && shards.length === 1,
  ),
  json('curl http://localhost:8080/cluster/health', ({ status }) => status === 'healthy'),
  // 1.2
  json('curl http://localhost:8080/admin/config | jq .', ({ config }) => typeof config === 'object'),
  json(
    `curl -X PATCH http://localhost:8080/admin/config \\
  -H "Content-Type: application/json" \\
  -d '{"log_level": "debug"}'`,
    ({ restart_required, persisted }) => restart_required === false && persisted === true,
  ),
  json(
    `curl -X PATCH http://localhost:8080/admin/config \\
  -H "Content-Type: application/json" \\
  -d '{"block_cache_size": 268435456}'`,
    ({ restart_required, persisted }) => restart_required === true && persisted === true,
  ),
  // 1.3
  {
    line: 'lumadb user create --username alice --role developer',
    says: /user alice created with role developer\npassword: \S{20,}/,
  },
  { line: 'lumadb user list', says: /alice.*developer.*active/ },
  json('curl http://localhost:8080/admin/users | jq .', ({ total }) => total === 1),
  { line: 'lumadb user update alice --role admin', says: /user alice has role admin/ },
  json(
    `curl -X PATCH http://localhost:8080/admin/users/alice \\
  -d '{"role": "admin"}'`,
    ({ username, role }) => username === 'alice' && role === 'admin',
  ),
  { line: 'lumadb user disable alice', says: /user alice is disabled/ },
  { line: 'lumadb user delete alice', says: /user alice deleted/ },
  json(
    `curl -X POST http://localhost:8080/admin/users \\
  -H "Content-Type: application/json" \\
  -d '{"username": "alice", "role": "developer", "password": "secure-password"}'`,
    ({ username, role, disabled }) => username === 'alice' && role === 'developer' && disabled === false,
  ),
  // 1.4: it goes on for ever.
  { line: 'timeout 1 tail -f /var/log/lumadb/query.log', code: 124, says: /"query":/ },
  // 2.4
  json('curl http://localhost:8080/admin/memory | jq .', (body) => {
    const parts = NUMBERS_OF_MEMORY.map((name) => Number(body[name]));
    return parts.reduce((sum, part) => sum + part, 0) === body['total_bytes'];
  }),
  // 4.1
  { line: 'tail -100 /var/log/lumadb/slow-query.log', says: /generate_series/ },
  { line: 'grep "Seq Scan" /var/log/lumadb/query.log | tail -20', says: /Seq Scan on orders/ },
  { line: 'curl http://localhost:8080/metrics | grep cache_hit', says: /^lumadb_cache_hits \d+$/m },
  {
    line: 'grep "memtable flush" /var/log/lumadb/server.log | tail -20',
    says: /memtable flush shard=0 bytes=\d+ ms=\d+/,
  },
  { line: 'free -h', says: /Mem:/ },
  json('curl http://localhost:8080/cluster/replication | jq .', (body) =>
    JSON.stringify(body).includes('node-1'),
  ),
  { line: 'df -h /var/lib/lumadb', says: /\/var\/lib\/lumadb/ },
  { line: 'du -sh /var/lib/lumadb/* | sort -h', says: /shard-0000/ },
  json('curl http://localhost:8080/admin/compaction | jq .', ({ shards }) => Array.isArray(shards)),
  // 4.2
  {
    line: 'lumadb diagnose --output /tmp/diagnostics.tar.gz --force',
    says: /diagnostics\.tar\.gz/,
  },
  { line: 'lumadb ping --host localhost --port 8080', says: /ms/ },
  { line: 'lumadb config validate /etc/lumadb/config.toml', says: /config.toml: ok/ },
  {
    line: 'lumadb fsck --collection users',
    says: /^ok$/m,
  },
  { line: 'lumadb compact --collection orders --level all', says: /orders|compact/i },
  { line: 'lumadb debug dump-state > state.json && jq -r .status.version state.json', says: /\d+\.\d+\.\d+/ },
  // 4.3
  json(
    `curl -X POST http://localhost:8080/admin/read-only \\
  -d '{"enabled": true, "reason": "Emergency maintenance"}'`,
    (body) => JSON.stringify(body).includes('Emergency maintenance'),
  ),
  {
    line: `curl -s -X PUT http://localhost:8080/api/v1/orders/refused -d '{}'`,
    says: /read-only.*Emergency maintenance/,
  },
  json(
    `curl -X POST http://localhost:8080/admin/read-only \\
  -d '{"enabled": false}'`,
    (body) => JSON.stringify(body).includes('false'),
  ),
  { line: `curl -s -X PUT http://localhost:8080/api/v1/orders/taken -d '{}'`, says: /"_id":"taken"/ },
  { line: 'lumadb rebuild-indexes --collection all', says: /orders_user|rebuilt|index/i },
  // 5.3
  {
    line: `curl -X POST http://localhost:8080/cluster/transfer-leadership \\
  -d '{"target_node": "node-2"}'`,
    says: /there is no node node-2/,
  },
  { line: 'curl http://localhost:8080/cluster/status | jq .leader', says: /^"node-1"$/m },
  // 6.2
  { line: 'lumadb compact --collection orders', says: /orders|compact/i },
  {
    line: `cat > /etc/cron.d/lumadb-compact << 'EOF'
0 3 * * * lumadb lumadb compact --all --level 0-2
0 4 * * 0 lumadb lumadb compact --all --level all
EOF`,
    check: () => true,
  },
  // What cron runs at these times.
  { line: 'lumadb compact --all --level 0-2', says: /compact|nothing/i },
  { line: 'lumadb compact --all --level all', says: /compact|nothing/i },
  // 7.2
  {
    line: `grep "authentication failed" /var/log/lumadb/access.log | \\
  awk '{print $1}' | sort | uniq -c | sort -rn | head -10`,
    says: /^\s*2 127\.0\.0\.1$/m,
  },
  { line: 'grep "DELETE\\|DROP\\|TRUNCATE" /var/log/lumadb/query.log', says: /DELETE FROM orders/ },
  {
    line: 'grep "admin" /var/log/lumadb/audit.log | tail -100',
    says: /"action":"create-user".*"target":"alice"/,
  },
  // 8.1
  json('curl http://localhost:8080/cluster/health', ({ status }) => status === 'healthy'),
  { line: 'lumadb fsck --node node-1', says: /^ok$/m },
  { line: 'lumadb fsck --node node-X', code: 2, check: ({ stderr }) => /node-X.*node-1/.test(stderr) },
  // 8.2
  {
    line: `curl http://localhost:8080/metrics | grep -E 'latency|queue'`,
    says: /latency[\s\S]*queue|queue[\s\S]*latency/,
  },
  // 8.3
  json(
    `curl -X POST http://localhost:8080/admin/read-only \\
       -d '{"enabled": true}'`,
    (body) => JSON.stringify(body).includes('true'),
  ),
  { line: 'rm -rf /var/lib/lumadb/tmp/*', check: () => true },
  { line: 'lumadb compact --emergency --delete-tombstones', says: /compact|nothing/i },
  { line: 'lumadb wal archive --older-than 7d --destination /archive', says: /archive|nothing/i },
  { line: 'lumadb gc --force --collection logs', says: /logs/ },
  json(
    `curl -X POST http://localhost:8080/admin/read-only \\
       -d '{"enabled": false}'`,
    (body) => JSON.stringify(body).includes('false'),
  ),
];

/** What the lines find: documents, statements of all kinds, a flush, failed logins. */
const BEFORE: readonly string[] = [
  ...['orders', 'users', 'logs'].map(
    (name) =>
      `jq -nc '{documents: [range(500) | {_id: "\\(.)", user_id: "user-\\(. % 7)", n: .}]}' | curl -sf -X POST http://localhost:8080/api/v1/${name}/bulk -d @-`,
  ),
  'lumadb query "CREATE INDEX orders_user ON orders (user_id)"',
  `lumadb query "SELECT count(*) FROM orders WHERE n + 0 > 3"`,
  `lumadb query "DELETE FROM orders WHERE n = 499"`,
  `lumadb query "SELECT count(*) FROM generate_series(1, 4000000) g WHERE g % 3 = 0"`,
  'curl -s -X POST http://localhost:8080/auth/login -d \'{"username":"mallory","password":"guessed it"}\'',
  'curl -s -X POST http://localhost:8080/auth/login -d \'{"username":"mallory","password":"guessed it again"}\'',
  'lumadb compact --all',
  // Logs of requests and statements are written within a quarter of a second.
  'sleep 1',
];

test('every shell and curl line of the manual for one node does what it says', async (t) => {
  const machine = await SandboxedMachine.start(t);
  if (machine === undefined) {
    t.pass();
    return;
  }
  const must = (line: string): void => {
    const { code, stdout, stderr } = machine.run(line);
    t.is(code, 0, `${line}\n${stdout}\n${stderr}`);
  };
  const runAll = (lines: readonly Line[]): void => {
    for (const { line, says = /\S/, code = 0, check } of lines) {
      const ran = machine.run(line);
      const shown = `${line}\nexit code ${ran.code}\n${ran.stdout.slice(0, 2000)}\n${ran.stderr.slice(0, 2000)}`;
      t.is(ran.code, code, shown);
      if (check === undefined) t.regex(ran.stdout, says, shown);
      else t.true(check(ran), shown);
    }
  };
  must(`cat > /etc/lumadb/config.toml << 'EOF'${CONFIG}EOF`);
  let { ended } = await machine.serve('lumadb start');
  for (const line of BEFORE) must(line);
  runAll(WHILE_IT_RUNS);

  // 4.3: the shutdowns, and what is done about damage.
  runAll([{ line: 'lumadb shutdown --graceful --timeout 60s', says: /stopped|shut/i }]);
  t.is(await ended, 0);
  runAll([{ line: 'lumadb repair --collection orders --fix', says: /orders|sound|nothing/i }]);
  ({ ended } = await machine.serve('lumadb start --recovery-mode'));
  t.regex(machine.run('curl -s http://localhost:8080/api/v1/orders/1').stdout, /"user_id":"user-1"/);
  t.regex(
    machine.run(`curl -s -X PUT http://localhost:8080/api/v1/orders/1 -d '{}'`).stdout,
    /recovery mode/,
  );
  runAll([{ line: 'lumadb shutdown --force', says: /stopped|shut/i }]);
  t.is(await ended, 0);
  ({ ended } = await machine.serve('lumadb start'));
  t.regex(machine.run('curl -s http://localhost:8080/api/v1/orders/taken').stdout, /"_id":"taken"/);
  // 5.2
  runAll([{ line: 'lumadb health --verify-data', says: /healthy[\s\S]*^ok$/m }]);
  must('lumadb shutdown --force');
  t.is(await ended, 0);
});
