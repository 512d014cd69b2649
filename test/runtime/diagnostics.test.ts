import { execFileSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import test, { type ExecutionContext } from 'ava';
import { startInProcess } from '../support/in-process.js';
import { until } from '../support/time.js';

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

/** A thread that stands still in a system call until the test is over: it opens a pipe that nobody writes to. */
async function startBlockedThread(t: ExecutionContext): Promise<Worker> {
  const directory = mkdtempSync(join(tmpdir(), 'lumadb-pipe-'));
  const pipe = join(directory, 'pipe');
  execFileSync('mkfifo', [pipe]);
  const code = `
    const { parentPort, workerData } = require('node:worker_threads');
    parentPort.postMessage('starts');
    setTimeout(() => require('node:fs').openSync(workerData, 'r'));`;
  const worker = new Worker(code, { eval: true, name: 'blocked', workerData: pipe });
  t.teardown(async () => {
    // For reading and writing: this does not wait, and lets the other go on.
    closeSync(openSync(pipe, 'r+'));
    await worker.terminate();
    rmSync(directory, { recursive: true });
  });
  await new Promise((resolve) => worker.once('message', resolve));
  return worker;
}

test('every thread tells where it is, and nobody waits for one in a system call', async (t) => {
  const { http } = await startInProcess(t, { LUMADB_SHARDING__SHARDS: '2' });
  await http.request('PUT', '/api/v1/c/a', { body: { n: 1 } });
  const blocked = await startBlockedThread(t);
  const own = ['main', 'front-0', 'shard-0', 'compactor-0', 'shard-1', 'compactor-1'];
  let threads: readonly ThreadReport[] = [];
  // A compactor may be in a system call for longer than a look waits.
  await until('a look finds all threads of the server, and that one silent', async () => {
    threads = (await http.request('GET', '/admin/diagnostics')).json.threads;
    const silent = threads.find(({ thread_id: id }) => id === blocked.threadId)?.silent ?? '';
    if (!/in a system call or in native code/.test(silent)) return false;
    return own.every((name) => threads.some((thread) => thread.name === name && thread.answered_ms !== null));
  });
  for (const { name, heap, event_loop } of threads.filter(({ name }) => own.includes(name))) {
    t.true(heap.used_heap_size > 0, name);
    t.true((event_loop?.utilization ?? -1) >= 0, name);
  }
  const osIds = new Set(threads.flatMap(({ os_thread_id: id }) => id ?? []));
  t.true(osIds.size >= own.length, 'every thread has its own number in the kernel');
});

test('a shard that sleeps in Atomics.wait tells so, and sleeps on', async (t) => {
  const { http } = await startInProcess(t);
  // Now and then it is awake.
  await until('a look finds the shard asleep', async () => {
    const threads: readonly ThreadReport[] = (await http.request('GET', '/admin/diagnostics')).json.threads;
    const shard = threads.find(({ name }) => name === 'shard-0');
    return /Atomics\.wait/.test(shard?.stack[0] ?? '');
  });
  t.is((await http.request('PUT', '/api/v1/c/a', { body: { n: 1 } })).status, 201);
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
