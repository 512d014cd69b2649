/** What a query thread is told of the writes that it asked for. */
import test from 'ava';
import type { DocumentBody } from '../../src/front/document-body.js';
import type { FrontContext } from '../../src/front/front-context.js';
import { QueryWrites } from '../../src/front/query/writes.js';
import { WriteStatus } from '../../src/generated/lumadb/schema/write-status.js';
import type { WriteCompletion } from '../../src/ipc/shard-client.js';

/** A front whose only shard answers as `answer` says: after the call, as a real one does. */
function contextWith(answer: (completion: WriteCompletion, index: number) => void): FrontContext {
  const write = (...args: unknown[]): undefined => {
    const [completion, index] = args.slice(-2) as [WriteCompletion, number];
    queueMicrotask(() => answer(completion, index));
  };
  return {
    collections: { find: () => 7, defaultTtl: () => 0, ttlSeconds: () => 0 },
    meter: { now: () => 0 },
    router: { client: () => ({ write }) },
    scheduleFlush: () => {},
    clock: { nowSeconds: () => 1 },
  } as unknown as FrontContext; // all that a deletion needs
}

const DELETIONS = ['a', 'b'].map((id) => ({ id, text: undefined, expects: 'any' as const }));
const run = (answer: Parameters<typeof contextWith>[0]) =>
  new QueryWrites(contextWith(answer), {} as DocumentBody, 'items', DELETIONS).run();

test('each write has its own result', async (t) => {
  const reply = await run((completion, index) =>
    completion.onWritten(index, WriteStatus.Deleted, 10 + index, 0),
  );
  t.deepEqual(reply, {
    kind: 'written',
    results: [
      { status: 'written', seqno: 10 },
      { status: 'written', seqno: 11 },
    ],
  });
});

test('one that fails makes the whole message refused, with its error', async (t) => {
  const reply = await run((completion, index) => {
    if (index === 0) completion.onWritten(index, WriteStatus.Deleted, 10, 0);
    else completion.onWriteFailed(index, { code: 'IO', message: 'the disk is gone' });
  });
  t.deepEqual(reply, { kind: 'refused', error: { code: 'IO', message: 'the disk is gone' } });
});
