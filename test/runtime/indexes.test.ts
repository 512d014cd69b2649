import { type ChildProcess, fork } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test, { type ExecutionContext } from 'ava';
import { loadConfig } from '../../src/config/load.js';
import type { NewIndex } from '../../src/indexes/definition.js';
import type { CollectionControl } from '../../src/runtime/collection-control.js';
import type { IndexControl } from '../../src/runtime/index-control.js';
import { openOffline } from '../../src/runtime/maintenance.js';
import { fsck } from '../../src/tools/fsck.js';
import { rebuildIndexes } from '../../src/tools/rebuild-indexes.js';
import { reshard } from '../../src/tools/reshard.js';
import { HttpCaller } from '../support/http.js';
import { startInProcess } from '../support/in-process.js';
import type { IndexCommand, IndexEvent } from '../support/index-server-process.js';
import { SMALL_LSM } from '../support/small-lsm.js';
import { until } from '../support/time.js';

const ENV = { ...SMALL_LSM, LUMADB_SHARDING__SHARDS: '2', LUMADB_STORAGE__RESERVE_SIZE: '0' };

function newIndex(name: string, overrides: Partial<NewIndex> = {}): NewIndex {
  return {
    name,
    collection: 'c',
    columns: [{ path: ['city'], descending: false, nullsFirst: false }],
    include: [['n']],
    unique: false,
    ...overrides,
  };
}

async function writeDocuments(http: HttpCaller, count: number, round = 0, from = 0): Promise<void> {
  for (let start = from; start < from + count; start += 500) {
    const documents = Array.from({ length: Math.min(500, from + count - start) }, (_, i) => ({
      _id: `k${start + i}`,
      city: `city ${(start + i + round) % 97}`,
      n: round,
    }));
    const { status, text } = await http.request('POST', '/api/v1/c/bulk', { body: { documents } });
    if (status !== 200) throw new Error(`bulk: ${status} ${text.slice(0, 300)}`);
  }
}

/** What fsck finds in a directory that no server holds. */
async function faultsIn(dataDir: string): Promise<string[]> {
  const { config } = loadConfig({ env: ENV, overrides: { storage: { data_dir: dataDir } } });
  const maintained = await openOffline(config);
  try {
    return fsck({ ...maintained, isLive: false })
      .findings.slice(0, 5)
      .map(({ reason }) => reason);
  } finally {
    maintained.close();
  }
}

async function offline<T>(
  dataDir: string,
  work: (maintained: Awaited<ReturnType<typeof openOffline>>) => T | Promise<T>,
): Promise<T> {
  const { config } = loadConfig({ env: ENV, overrides: { storage: { data_dir: dataDir } } });
  const maintained = await openOffline(config);
  try {
    return await work(maintained);
  } finally {
    maintained.close();
  }
}

async function started(t: ExecutionContext) {
  const running = await startInProcess(t, ENV);
  const { indexes, collections } = running.server as unknown as {
    indexes: IndexControl;
    collections: CollectionControl;
  };
  const stop = () => running.server.shutdown({ mode: 'graceful', timeoutMs: 120_000, reason: 'test' });
  return { ...running, indexes, collections, stop };
}

test.serial(
  'an index that is built under load agrees with the documents, is reported, rebuilt and dropped',
  async (t) => {
    const { http, indexes, stop, dataDir } = await started(t);
    await writeDocuments(http, 5000);
    const { built, task } = await indexes.create(newIndex('by_city'));
    t.is(task.kind, 'index-build');
    await t.throwsAsync(indexes.create(newIndex('by_city')), { code: 'CONFLICT' } as never);
    await t.throwsAsync(indexes.create(newIndex('x', { collection: 'none' })), {
      code: 'NOT_FOUND',
    } as never);
    await t.throwsAsync(indexes.create(newIndex('u', { unique: true })), { message: /not supported/ });
    await Promise.all([writeDocuments(http, 2000, 1, 1000), writeDocuments(http, 1000, 2, 6000), built]);
    t.is((await built).state, 'valid');
    t.like((await indexes.list())[0], {
      index_name: 'by_city',
      table_name: 'c',
      columns: 'city',
      entries: 6000,
      usage_count: 0,
      last_used: null,
      state: 'valid',
      definition: 'CREATE INDEX by_city ON c (city) INCLUDE (n)',
    });
    const listed = await http.request('GET', '/api/v1/collections');
    t.regex(listed.text, /"indexes":\["by_city"\]/);

    const answer = await http.request('POST', '/admin/indexes/rebuild', { body: { collection: 'all' } });
    t.is(answer.status, 202);
    const { id } = JSON.parse(answer.text);
    await writeDocuments(http, 1000, 3);
    let rebuilding = { state: 'running', result: {}, progress: { unit: '' } };
    await until('the rebuild ends', async () => {
      rebuilding = (await http.request('GET', `/admin/tasks/${id}`)).json;
      return rebuilding.state !== 'running';
    });
    t.like(rebuilding.result, { indexes: [{ index: 'by_city', documents: 6000 }] });
    t.is(rebuilding.progress.unit, 'documents');
    const cancelled = await http.request('POST', `/admin/tasks/${id}/cancel`);
    t.is(cancelled.status, 409, 'it has ended');
    await stop();
    t.deepEqual(await faultsIn(dataDir), []);

    await offline(dataDir, (maintained) => {
      reshard({ ...maintained, from: 2, to: 3, deleteOld: true });
    });
    t.deepEqual(await faultsIn(dataDir), [], 'entries go where their documents go');
    await offline(dataDir, (maintained) => {
      const rebuilt = rebuildIndexes(maintained);
      t.deepEqual(rebuilt, [{ index: 'by_city', collection: 'c', documents: 6000 }]);
    });
    t.deepEqual(await faultsIn(dataDir), []);
  },
);

test.serial(
  'a collection that is dropped or emptied takes its indexes along; a dropped index is forgotten',
  async (t) => {
    const { http, indexes, collections, stop, dataDir } = await started(t);
    await writeDocuments(http, 500);
    await (await indexes.create(newIndex('first'))).built;
    await (
      await indexes.create(
        newIndex('second', { columns: [{ path: ['n'], descending: true, nullsFirst: true }] }),
      )
    ).built;
    await indexes.drop('second');
    await t.throwsAsync(indexes.drop('second'), { code: 'NOT_FOUND' } as never);
    await collections.truncate('c');
    t.is((await indexes.list())[0].entries, 0);
    await writeDocuments(http, 700, 1);
    t.like((await indexes.list())[0], { index_name: 'first', entries: 700, state: 'valid' });
    await stop();
    t.deepEqual(await faultsIn(dataDir), []);

    const again = JSON.parse(readFileSync(join(dataDir, 'catalog.json'), 'utf8'));
    t.is(again.indexes.length, 1);
  },
);

test.serial('a dropped collection has no indexes, and their names are free', async (t) => {
  const { http, indexes, stop, dataDir } = await started(t);
  await writeDocuments(http, 300);
  await (await indexes.create(newIndex('first'))).built;
  t.is((await http.request('DELETE', '/api/v1/collections/c')).status, 200);
  t.deepEqual(await indexes.list(), []);
  await writeDocuments(http, 300);
  await (await indexes.create(newIndex('first'))).built;
  t.is((await indexes.list())[0].entries, 300);
  await stop();
  t.deepEqual(await faultsIn(dataDir), []);
});

test.serial(
  'entries of documents that expire go with them, and an index that is dropped while it is built is gone',
  async (t) => {
    const { http, indexes, stop, dataDir } = await started(t);
    await writeDocuments(http, 8000);
    const { built } = await indexes.create(newIndex('by_city'));
    await indexes.drop('by_city');
    await t.throwsAsync(built);
    t.deepEqual(await indexes.list(), []);
    await (await indexes.create(newIndex('by_city'))).built;
    const documents = Array.from({ length: 50 }, (_, i) => ({ _id: `brief${i}`, city: 'Ulm' }));
    await http.request('POST', '/api/v1/c/bulk?ttl=2', { body: { documents } });
    await until('their entries are gone', async () => (await indexes.list())[0].entries === 8000);
    await stop();
    t.deepEqual(await faultsIn(dataDir), []);
  },
);

test.serial(
  'a shard that dies while an index is built ends the build, and nothing is left of it',
  async (t) => {
    const { http, indexes, supervisor, stop, dataDir } = await started(t);
    await writeDocuments(http, 8000);
    const { built } = await indexes.create(newIndex('by_city'));
    await supervisor.shards[0].incarnation?.thread.worker.terminate();
    await t.throwsAsync(built);
    await until('the shard serves again', () => supervisor.shards[0].state === 'ready');
    t.deepEqual(await indexes.list(), []);
    await (await indexes.create(newIndex('by_city'))).built;
    t.is((await indexes.list())[0].entries, 8000);
    await stop();
    t.deepEqual(await faultsIn(dataDir), []);
  },
);

test.serial(
  'a build that is cancelled ends, and an index that was built CONCURRENTLY stays invalid until it is rebuilt',
  async (t) => {
    const { http, indexes, stop, dataDir } = await started(t);
    await writeDocuments(http, 12_000);
    const cancel = async () => {
      const { built, task } = await indexes.create(newIndex('by_city', { concurrently: true }));
      const ended = built.then(
        () => '',
        (error: Error) => error.message,
      );
      return { status: (await http.request('POST', `/admin/tasks/${task.id}/cancel`)).status, ended };
    };
    let cancelled = await cancel();
    // A build that was over before it could be cancelled says so, and does not count.
    for (let attempt = 0; cancelled.status === 409 && attempt < 20; attempt++) {
      await cancelled.ended;
      await indexes.drop('by_city');
      cancelled = await cancel();
    }
    t.is(cancelled.status, 202);
    t.regex(await cancelled.ended, /cancelled/);
    t.like((await indexes.list())[0], { index_name: 'by_city', state: 'invalid' });
    await writeDocuments(http, 500, 1);
    await stop();
    t.deepEqual(await faultsIn(dataDir), []);
    await offline(dataDir, (maintained) => t.is(rebuildIndexes(maintained)[0].documents, 12_000));
    t.deepEqual(await faultsIn(dataDir), []);
  },
);

class Child {
  readonly events: IndexEvent[] = [];
  readonly exited: Promise<void>;
  private readonly child: ChildProcess;

  constructor(dataDir: string) {
    this.child = fork(fileURLToPath(new URL('../support/index-server-process.js', import.meta.url)), {
      env: { ...process.env, ...ENV, DATA_DIR: dataDir },
    });
    this.child.on('message', (event) => this.events.push(event as IndexEvent));
    this.exited = new Promise((resolve) => this.child.once('exit', () => resolve()));
  }

  create(index: NewIndex, dieAfterMs?: number): void {
    this.child.send({
      create: index,
      ...(dieAfterMs === undefined ? {} : { dieAfterMs }),
    } satisfies IndexCommand);
  }

  async event<K extends keyof IndexEvent>(name: K): Promise<NonNullable<IndexEvent[K]>> {
    const find = () => this.events.find((event) => event[name] !== undefined)?.[name];
    await until(`the server says ${name}`, () => find() !== undefined, { pollMs: 5 });
    return find() as NonNullable<IndexEvent[K]>;
  }

  async kill(): Promise<void> {
    this.child.kill('SIGKILL');
    await this.exited;
  }
}

for (const concurrently of [true, false]) {
  const fate = concurrently ? 'an invalid index' : 'nothing';
  test.serial(
    `kill -9 in the middle of a build under load leaves ${fate}, and no acknowledged write is lost`,
    async (t) => {
      const dataDir = mkdtempSync(join(tmpdir(), 'lumadb-indexes-'));
      t.teardown(() => rmSync(dataDir, { recursive: true, force: true }));
      const first = new Child(dataDir);
      const http = new HttpCaller(await first.event('port'));
      t.teardown(() => http.close());
      await writeDocuments(http, 12_000);
      first.create(newIndex('whole', { columns: [{ path: ['n'], descending: false, nullsFirst: false }] }));
      await first.event('built');
      let acknowledged = 0;
      const load = (async () => {
        for (let round = 1; ; round++) {
          await writeDocuments(http, 500, round, 12_000 + (round - 1) * 500);
          acknowledged = round;
        }
      })().catch(() => {});
      await until('the load runs', () => acknowledged > 0);
      first.create(newIndex('by_city', { concurrently }), 20);
      await first.exited;
      t.true(first.events.some(({ created }) => created === 'by_city'));
      t.false(
        first.events.some(({ built }) => built === 'by_city'),
        'the build was under way',
      );
      await load;
      t.log(`${acknowledged} batches were acknowledged during the build`);

      const second = new Child(dataDir);
      const again = new HttpCaller(await second.event('port'));
      t.teardown(() => again.close());
      const listed = JSON.parse((await again.request('GET', '/api/v1/collections')).text);
      const names = listed.collections[0].indexes;
      t.deepEqual(names, concurrently ? ['by_city', 'whole'] : ['whole']);
      t.true(listed.collections[0].document_count >= 12_000 + acknowledged * 500);
      await second.kill();
      t.deepEqual(await faultsIn(dataDir), []);
      await offline(dataDir, (maintained) => {
        const state = maintained.catalog.findIndex('by_city')?.state;
        t.is(state, concurrently ? 'invalid' : undefined);
        rebuildIndexes(maintained);
        t.is(maintained.catalog.findIndex('whole')?.state, 'valid');
      });
      t.deepEqual(await faultsIn(dataDir), []);
    },
  );
}
