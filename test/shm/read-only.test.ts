import test from 'ava';
import { OperationKind } from '../../src/generated/lumadb/schema/operation-kind.js';
import {
  createReadOnlyBlock,
  READ_ONLY_ALL,
  READ_ONLY_DISK,
  READ_ONLY_OFF,
  READ_ONLY_TEXT_BYTES_MAX,
} from '../../src/shm/read-only-format.js';
import { ReadOnlyReader } from '../../src/shm/read-only-reader.js';
import { ReadOnlyWriter } from '../../src/shm/read-only-writer.js';
import { resultOf, startWorker } from '../support/worker.js';

function block(): { writer: ReadOnlyWriter; reader: ReadOnlyReader } {
  const shared = createReadOnlyBlock();
  return { writer: new ReadOnlyWriter(shared), reader: new ReadOnlyReader(shared) };
}

const KINDS = [OperationKind.Put, OperationKind.Patch, OperationKind.Delete];

test('a new block lets everything through', (t) => {
  const { reader } = block();
  t.is(reader.state, READ_ONLY_OFF);
  for (const kind of KINDS) t.is(reader.refusalOf(kind), undefined);
  t.is(reader.refusal(), undefined);
});

test('a nearly full disk refuses what is no delete, with the reason', (t) => {
  const { writer, reader } = block();
  writer.publish(READ_ONLY_DISK, '12 MiB are free');
  t.is(reader.refusalOf(OperationKind.Delete), undefined);
  for (const kind of [OperationKind.Put, OperationKind.Patch]) {
    const error = reader.refusalOf(kind);
    t.is(error?.code, 'READ_ONLY');
    t.is(error?.message, 'writes other than deletes are refused: 12 MiB are free');
    t.deepEqual(error?.details, { allowed: 'deletes' });
  }
  writer.publish(READ_ONLY_OFF, '');
  t.is(reader.refusalOf(OperationKind.Put), undefined);
});

test('read-only by an operator refuses every kind, with the reason', (t) => {
  const { writer, reader } = block();
  writer.publish(READ_ONLY_ALL, 'Wartung für Köln ☂');
  for (const kind of KINDS) {
    t.is(reader.refusalOf(kind)?.message, 'the database is read-only: Wartung für Köln ☂');
  }
  t.deepEqual(reader.refusal()?.details, { allowed: 'reads' });
});

test('a reason that is too long is cut at a character, and a shorter one leaves nothing of it behind', (t) => {
  const { writer, reader } = block();
  writer.publish(READ_ONLY_ALL, `x${'☂'.repeat(2000)}`);
  const long = reader.refusal()?.message.replace('the database is read-only: ', '') ?? '';
  t.regex(long, /^x☂+$/);
  t.is(long.length, 1 + Math.floor((READ_ONLY_TEXT_BYTES_MAX - 1) / 3));
  writer.publish(READ_ONLY_ALL, 'short');
  t.is(reader.refusal()?.message, 'the database is read-only: short');
});

test('read-only without a reason, and a reason without read-only, are bugs', (t) => {
  const { writer } = block();
  t.throws(() => writer.publish(READ_ONLY_DISK, ''));
  t.throws(() => writer.publish(READ_ONLY_OFF, 'why?'));
});

test('a reader never mixes two states, however fast they change', async (t) => {
  const shared = createReadOnlyBlock();
  const reader = new ReadOnlyReader(shared);
  const worker = startWorker('read-only-flipper', { block: shared, rounds: 100_000 });
  const done = resultOf<string>(worker, 60_000);
  const whole = /^(writes other than deletes are refused: d{1000}|the database is read-only: (a{300}|end))$/;
  const seen = new Set<string>();
  let message = '';
  // The worker starts within the first of these turns; each turn reads while it runs.
  while (!message.endsWith(': end')) {
    for (let read = 0; read < 200; read++) {
      message = reader.refusal()?.message ?? '';
      if (message === '') seen.add('off');
      else if (whole.test(message)) seen.add(message.slice(0, 5));
      // The reader gave up on a writer that was descheduled in the middle: allowed, and it says so.
      else if (!message.endsWith('the reason is just being changed')) t.fail(message);
    }
    await new Promise(setImmediate);
  }
  t.is(await done, 'done');
  t.true(seen.size >= 2, [...seen].join());
});
