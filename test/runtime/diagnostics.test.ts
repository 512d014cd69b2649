import { Worker } from 'node:worker_threads';
import test from 'ava';
import { startInProcess } from '../support/in-process.js';

interface ThreadReport {
  readonly name: string;
  readonly thread_id: number;
  readonly os_thread_id: number;
  readonly answered_ms: number | null;
  readonly silent?: string;
  readonly stack: readonly string[];
  readonly event_loop: { readonly utilization: number } | null;
  readonly heap: { readonly used_heap_size: number };
}

/** A thread whose JavaScript stands still in a system call for as long as the test takes. */
async function startBlockedThread(): Promise<Worker> {
  const code = `
    require('node:worker_threads').parentPort.postMessage('blocked');
    setTimeout(() => require('node:child_process').execSync('sleep 4'));`;
  const worker = new Worker(code, { eval: true, name: 'blocked' });
  await new Promise((resolve) => worker.once('message', resolve));
  await new Promise((resolve) => setTimeout(resolve, 200));
  return worker;
}

test('every thread tells where it is, also one that sleeps in Atomics.wait, and nobody waits for one in a system call', async (t) => {
  const { http } = await startInProcess(t, { LUMADB_SHARDING__SHARDS: '2' });
  await http.request('PUT', '/api/v1/c/a', { body: { n: 1 } });
  const blocked = await startBlockedThread();
  t.teardown(() => blocked.terminate());
  const { status, json } = await http.request('GET', '/admin/diagnostics');
  t.is(status, 200);
  const threads: readonly ThreadReport[] = json.threads;
  const named = new Map(threads.map((thread) => [thread.name, thread]));
  for (const name of ['main', 'front-0', 'shard-0', 'compactor-0', 'shard-1', 'compactor-1']) {
    const thread = named.get(name);
    t.true(thread?.answered_ms !== null, name);
    t.true((thread?.heap.used_heap_size ?? 0) > 0, name);
    t.true((thread?.event_loop?.utilization ?? -1) >= 0, name);
  }
  t.regex(named.get('shard-0')?.stack[0] ?? '', /Atomics\.wait/);
  t.is(new Set(threads.flatMap(({ os_thread_id: id }) => id ?? [])).size, threads.length - 1);
  const silent = threads.filter((thread) => thread.answered_ms === null);
  t.deepEqual(
    silent.map(({ thread_id }) => thread_id),
    [blocked.threadId],
  );
  t.regex(silent[0].silent ?? '', /in a system call or in native code/);
});

test('requests at the same time share one look, and the server goes on as before', async (t) => {
  process.env['LUMADB_TEST_SECRET'] = 'rosebud-4711';
  t.teardown(() => {
    delete process.env['LUMADB_TEST_SECRET'];
  });
  const { http, dataDir } = await startInProcess(t);
  const answers = await Promise.all([1, 2, 3].map(() => http.request('GET', '/admin/diagnostics')));
  t.is(new Set(answers.map(({ text }) => text)).size, 1);
  const { text, json } = answers[0];
  t.false(text.includes('rosebud'));
  t.is(json.process.environment.LUMADB_TEST_SECRET, '(hidden)');
  t.is(json.directories.data, dataDir);
  t.is(json.versions.v8, process.versions.v8);
  t.regex(json.versions.uws, /^\d+\.\d+\.\d+/);
  t.is(json.process.report.environmentVariables, undefined);
  t.is((await http.request('PUT', '/api/v1/c/a', { body: { n: 1 } })).status, 201);
});
