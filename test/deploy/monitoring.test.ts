import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import test from 'ava';
import { ALERT_RULES, LATER_METRICS } from '../../deploy/generate/alert-rules.js';
import { ROWS } from '../../deploy/generate/dashboard.js';
import { deployFiles } from '../../deploy/generate/files.js';
import { parsePrometheus } from '../support/prometheus.js';
import { hasProgram, PrometheusServer } from '../support/prometheus-server.js';
import { TestServer } from '../support/server.js';
import { SMALL_LSM, writeNoise } from '../support/small-lsm.js';

/** As the manual has them. */
const MANUAL_QUERIES = [
  'sum(rate(lumadb_requests_total[5m])) by (method)',
  'histogram_quantile(0.99, sum(rate(lumadb_query_duration_bucket[5m])) by (le))',
  'sum(rate(lumadb_requests_total{status="error"}[5m])) / sum(rate(lumadb_requests_total[5m]))',
  'sum(rate(lumadb_cache_hits[5m])) / sum(rate(lumadb_cache_requests[5m]))',
  'lumadb_memory_bytes / lumadb_memory_limit_bytes',
];
const panels = Object.values(ROWS).flat();
const rules = Object.values(ALERT_RULES).flat();

test('the committed files are what the generator writes', (t) => {
  for (const [path, text] of Object.entries(deployFiles()))
    t.is(readFileSync(path, 'utf8'), text, `${path} is out of date: npm run generate:deploy`);
});

test('alerts of one name are one rule, and each says what is wrong and what to do', (t) => {
  t.is(new Set(rules.map(({ name }) => name)).size, rules.length);
  for (const { summary, description } of rules) {
    t.regex(summary, /\{\{ \$labels\.instance \}\}/);
    t.regex(description, /\.$/);
  }
});

test('promtool takes the rules', (t) => {
  if (!hasProgram(t, 'promtool')) return;
  const checked = spawnSync('promtool', ['check', 'rules', 'deploy/prometheus/lumadb-alerts.yml'], {
    encoding: 'utf8',
  });
  t.is(checked.status, 0, checked.stdout + checked.stderr);
  t.true(checked.stdout.includes(`${rules.length} rules found`), checked.stdout);
});

test('alerts fire when they should and not before', (t) => {
  if (!hasProgram(t, 'promtool')) return;
  const checked = spawnSync('promtool', ['test', 'rules', 'test/deploy/lumadb-alerts.test.yml'], {
    encoding: 'utf8',
  });
  t.is(checked.status, 0, checked.stdout + checked.stderr);
});

/** Loaded in every way that the queries look at: tables, compactions, errors, cold and hot reads. */
async function load(server: TestServer, round: number): Promise<void> {
  await writeNoise(server, 600, { prefix: `r${round}-` });
  for (const n of [1, 2, 3, 599]) await server.get(`/api/v1/c/r${round}-${n}`);
  await server.get('/api/v1/c/r0-1');
  await server.get('/api/v1/c/missing');
}

test('a real Prometheus finds data for every query of the manual and of the dashboard, and no rule fails', async (t) => {
  if (!hasProgram(t, 'prometheus')) return;
  const server = await TestServer.start({ env: SMALL_LSM });
  t.teardown(() => server.close());
  const prometheus = await PrometheusServer.start(t, `127.0.0.1:${server.port}`);
  let round = 0;
  const settled = [...MANUAL_QUERIES, ...panels.flatMap(({ queries }) => queries.map(asTyped))];
  const answered = new Set<string>();
  await prometheus
    .until('every query has data', async () => {
      await load(server, round++);
      for (const query of settled) {
        if (answered.has(query)) continue;
        const series = await prometheus.query(query);
        // 0 / 0 is NaN: nothing has been counted yet.
        if (series.some(({ value }) => !Number.isNaN(Number(value[1])))) answered.add(query);
      }
      return answered.size === new Set(settled).size;
    })
    .catch((error: Error) => {
      const missing = settled.filter((query) => !answered.has(query));
      throw new Error(`no data for ${missing.join(' | ')}: ${error.message}`);
    });
  const { groups } = (await prometheus.ask('rules')) as {
    groups: { rules: { name: string; health: string; lastError?: string }[] }[];
  };
  const evaluated = groups.flatMap((group) => group.rules);
  t.deepEqual(evaluated.map(({ name }) => name).sort(), rules.map(({ name }) => name).sort());
  t.deepEqual(
    evaluated.filter(({ health }) => health === 'err'),
    [],
  );
});

test('legends, summaries and groupings use labels that the metrics have', async (t) => {
  const server = await TestServer.start({ env: SMALL_LSM });
  t.teardown(() => server.close());
  await load(server, 0);
  await server.until('there is a table', async () => (await server.metric('lumadb_tables{shard="0"}')) > 0);
  const { text } = await server.get('/metrics');
  const families = [...parsePrometheus(text).entries()];
  const labelsOf = (metric: string): ReadonlySet<string> | undefined => {
    const found = families.find(([name, { type }]) =>
      type === 'histogram' ? `${name}_bucket` === metric : name === metric,
    );
    return (
      found && new Set(['instance', 'job', ...found[1].samples.flatMap(({ labels }) => [...labels.keys()])])
    );
  };
  const check = (where: string, expression: string, labels: readonly string[]): void => {
    const metrics = (expression.match(/\b(?:lumadb|process)_[a-z0-9_]+/g) ?? []).filter(
      (metric) => !LATER_METRICS.includes(metric),
    );
    for (const metric of metrics) {
      const known = labelsOf(metric);
      if (known === undefined) t.fail(`${where}: the server has no ${metric}`);
      else for (const label of labels) t.true(known.has(label), `${where}: ${metric} has no label ${label}`);
    }
  };
  for (const { title, queries } of panels)
    for (const { expression, legend } of queries)
      check(
        title,
        expression,
        [...legend.matchAll(/\{\{(\w+)\}\}/g)].map(([, label]) => label),
      );
  for (const { name, expression, summary } of rules)
    check(
      name,
      expression,
      [...summary.matchAll(/\$labels\.(\w+)/g)].map(([, label]) => label),
    );
  if (!hasProgram(t, 'promtool')) return;
  const checked = spawnSync('promtool', ['check', 'metrics'], { input: text, encoding: 'utf8' });
  const faults = checked.stderr.split('\n').filter((line) => line.startsWith('lumadb_'));
  t.deepEqual(
    faults.filter((line) => !isContracted(line)),
    [],
  );
});

/** What promtool would call otherwise, and the contract with the operators names so. */
const isContracted = (line: string): boolean =>
  /^lumadb_(cache_hits|cache_requests|query_duration)\b/.test(line);

/** As Grafana sends it for all instances. */
const asTyped = ({ expression }: { readonly expression: string }): string =>
  expression.replaceAll('$instance', '.+').replaceAll('$__rate_interval', '5m');
