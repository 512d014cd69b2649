import test from 'ava';
import { SharedWriteGate } from '../../src/engine/write-gate.js';
import {
  createReadOnlyBlock,
  READ_ONLY_ALL,
  READ_ONLY_DISK,
  READ_ONLY_OFF,
} from '../../src/shm/read-only-format.js';
import { ReadOnlyWriter } from '../../src/shm/read-only-writer.js';
import { batchOf, patch, put, remove } from '../support/batches.js';

const deletes = batchOf([remove('a'), remove('b')]);
const mixed = batchOf([remove('a'), patch('b', '{}'), remove('c')]);
const puts = batchOf([put('a', '{}')]);

function gate(): { gate: SharedWriteGate; writer: ReadOnlyWriter } {
  const block = createReadOnlyBlock();
  return { gate: new SharedWriteGate(block), writer: new ReadOnlyWriter(block) };
}

test('a gate on a writable database lets every batch through', (t) => {
  for (const batch of [deletes, mixed, puts]) t.is(gate().gate.refusal(batch), undefined);
});

test('a nearly full disk lets batches of deletes through and nothing else', (t) => {
  const { gate: shared, writer } = gate();
  writer.publish(READ_ONLY_DISK, 'no space');
  t.is(shared.refusal(deletes), undefined);
  for (const batch of [mixed, puts]) {
    const error = shared.refusal(batch);
    t.is(error?.code, 'READ_ONLY');
    t.regex(error?.message ?? '', /other than deletes.*: no space$/);
  }
});

test('read-only by an operator lets nothing through, until it is taken back', (t) => {
  const { gate: shared, writer } = gate();
  writer.publish(READ_ONLY_ALL, 'maintenance');
  for (const batch of [deletes, mixed, puts]) t.regex(shared.refusal(batch)?.message ?? '', /: maintenance$/);
  writer.publish(READ_ONLY_OFF, '');
  for (const batch of [deletes, mixed, puts]) t.is(shared.refusal(batch), undefined);
});
