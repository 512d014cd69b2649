import test from 'ava';
import { BodyBudget, BodyBuffer } from '../../src/front/body-budget.js';
import { createStatsBlock, FRONT_BODY_BYTES, FRONT_CELLS } from '../../src/shm/stats-format.js';

function budgetOf(bytesMax: number): { cells: Float64Array; budget: BodyBudget } {
  const cells = new Float64Array(createStatsBlock(FRONT_CELLS));
  return { cells, budget: new BodyBudget(cells, bytesMax) };
}

const piece = (...bytes: number[]): ArrayBuffer => Uint8Array.from(bytes).buffer;

test('pieces of any size come out as one body', (t) => {
  const { budget } = budgetOf(1024 * 1024);
  const buffer = new BodyBuffer(budget, 100_000);
  const expected: number[] = [];
  for (let size = 0; expected.length + size <= 100_000; size += 7) {
    const bytes = Array.from({ length: size }, (_, i) => (size + i) & 0xff);
    expected.push(...bytes);
    t.is(buffer.append(piece(...bytes)), undefined);
  }
  t.deepEqual([...buffer.join()], expected);
});

test('the budget is charged for the memory a body takes, however small its pieces are', (t) => {
  const { cells, budget } = budgetOf(64 * 1024);
  const buffers = Array.from({ length: 4 }, () => new BodyBuffer(budget, 1024 * 1024));
  for (const buffer of buffers) t.is(buffer.append(piece(1)), undefined);
  t.is(cells[FRONT_BODY_BYTES], 64 * 1024);
  t.is(new BodyBuffer(budget, 1024 * 1024).append(piece(1))?.code, 'OVERLOADED');
  for (let i = 1; i < 16 * 1024; i++) buffers[0].append(piece(1));
  t.is(buffers[0].append(piece(1))?.code, 'OVERLOADED', 'it may not grow either');
  for (const buffer of buffers) buffer.reset(1024);
  t.is(cells[FRONT_BODY_BYTES], 0);
});

test('a body is no longer than its limit, and a buffer no larger', (t) => {
  const { cells, budget } = budgetOf(1024 * 1024);
  const buffer = new BodyBuffer(budget, 20_000);
  t.is(buffer.append(new ArrayBuffer(17_000)), undefined);
  t.is(buffer.append(new ArrayBuffer(3000)), undefined);
  t.is(cells[FRONT_BODY_BYTES], 20_000);
  t.is(buffer.append(piece(1))?.code, 'PAYLOAD_TOO_LARGE');
});

test('what was read stays as it is when the buffer is used again', (t) => {
  const { budget } = budgetOf(1024 * 1024);
  const buffer = new BodyBuffer(budget, 1000);
  buffer.append(piece(1, 2));
  buffer.append(piece(3));
  const body = buffer.join();
  buffer.reset(1000);
  buffer.append(piece(9, 9, 9));
  t.deepEqual([...body], [1, 2, 3]);
});
