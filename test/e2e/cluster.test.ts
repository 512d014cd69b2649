import test from 'ava';
import { TestServer } from '../support/server.js';

let server: TestServer;
test.before(async () => {
  server = await TestServer.start({
    env: { LUMADB_SHARDING__SHARDS: '2', LUMADB_CLUSTER__NODE_ID: 'north' },
  });
});
test.after.always(() => server?.close());

test('one node is a healthy cluster of one that leads every shard', async (t) => {
  const health = await server.get('/cluster/health');
  t.is(health.status, 200);
  t.like(health.json, { status: 'healthy', leader: 'north', quorum: true, nodes_total: 1, nodes_healthy: 1 });
  t.like(health.json.nodes[0], { id: 'north', role: 'leader', status: 'healthy', replication_lag_ms: 0 });
  t.is(health.json.nodes[0].address, `127.0.0.1:${server.port}`);
  const status = await server.get('/cluster/status');
  t.like(status.json, { mode: 'single', node: 'north', leader: 'north' });
  t.deepEqual(
    status.json.shards.map(({ shard, leader, state }: Record<string, unknown>) => [shard, leader, state]),
    [
      [0, 'north', 'ready'],
      [1, 'north', 'ready'],
    ],
  );
});

test('replication has no lag: what is taken is applied', async (t) => {
  const written = await server.put('/api/v1/c/a', {});
  const { json } = await server.get('/cluster/replication');
  t.like(json, { role: 'leader', leader: 'north', lag_ms: 0, lag_records: 0, replicas: [] });
  const seqnos = json.shards.map(({ committed_seqno, applied_seqno }: Record<string, number>) => {
    t.is(committed_seqno, applied_seqno);
    return committed_seqno;
  });
  t.true(Math.max(...seqnos) >= written.json._seq);
});

test('leadership cannot be given to nobody', async (t) => {
  const path = '/cluster/transfer-leadership';
  const other = await server.request('POST', path, { body: { target_node: 'node-2' } });
  t.is(other.status, 409);
  t.regex(other.json.error.message, /there is no node node-2 to lead: this database has one node, north/);
  const self = await server.request('POST', path, { body: { target_node: 'north' } });
  t.regex(self.json.error.message, /north leads already/);
  const nobody = await server.request('POST', path, { body: {} });
  t.is(nobody.status, 400);
  t.is(nobody.json.error.details.field, 'target_node');
});
