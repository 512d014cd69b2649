import { setTimeout as delay } from 'node:timers/promises';
import test from 'ava';
import { ManualClock } from '../../src/base/clock.js';
import type { Piece, PieceOutcome } from '../../src/cli/diagnose/piece.js';
import { PIECE_BYTES_MAX, PieceRunner } from '../../src/cli/diagnose/piece-runner.js';
import { Redactor } from '../../src/cli/diagnose/redactor.js';

const never = (): Promise<never> => new Promise(() => {});
const piece = (name: string, make: Piece['make'], more: Partial<Piece> = {}): Piece => ({
  name,
  source: 'machine',
  limitMs: 10_000,
  make,
  ...more,
});

async function run(...pieces: readonly Piece[]) {
  const files = new Map<string, string>();
  const told: PieceOutcome[] = [];
  const redactor = new Redactor();
  redactor.learn({ test_secret: 'rosebud-4711' });
  const runner = new PieceRunner({
    redactor,
    clock: new ManualClock(),
    isServerSlow: false,
    onFile: (name, bytes) => files.set(name, Buffer.from(bytes).toString()),
    onOutcome: (outcome) => told.push(outcome),
  });
  for (const each of pieces) await runner.run(each);
  return { files, told, kept: runner.outcomes };
}

test('a piece goes into the archive without secrets, JSON as JSON', async (t) => {
  const { files, told, kept } = await run(
    piece('a.json', () => ({ text: '{"token":"x","a":"rosebud-4711"}' })),
    piece('b.log', async () => ({ text: 'password=x rosebud-4711', note: 'the end of it' })),
  );
  t.deepEqual(JSON.parse(files.get('a.json') ?? ''), { token: '(hidden)', a: '(hidden)' });
  t.is(files.get('b.log'), 'password=(hidden) (hidden)');
  t.like(told[0], { name: 'a.json', state: 'ok', bytes: files.get('a.json')?.length });
  t.like(told[1], { name: 'b.log', state: 'ok', note: 'the end of it' });
  t.deepEqual(kept, told);
});

test('a piece that fails becomes a text with the reason, and the next one is made', async (t) => {
  const { files, told } = await run(
    piece('a.json', () => {
      throw new Error('no: rosebud-4711');
    }),
    piece('b.json', () => Promise.reject(new Error('later'))),
    piece('c.json', () => ({ text: '{}' })),
  );
  t.deepEqual([...files.keys()], ['a.json.failed.txt', 'b.json.failed.txt', 'c.json']);
  t.is(files.get('a.json.failed.txt'), 'no: (hidden)\n');
  t.like(told[0], { name: 'a.json', state: 'failed', reason: 'no: (hidden)' });
  t.is(told[2].state, 'ok');
});

test('nobody waits longer for a piece than its limit, and it is told so', async (t) => {
  let isAborted = false;
  const { told } = await run(
    piece(
      'slow.json',
      (signal) => {
        signal.addEventListener('abort', () => {
          isAborted = true;
        });
        return never();
      },
      { limitMs: 30 },
    ),
  );
  t.like(told[0], { state: 'failed', reason: 'not done within 30 ms' });
  t.true(isAborted);
});

test('a server that has let us wait once gets less time for the rest', async (t) => {
  const measured = (source: Piece['source']): Piece =>
    piece(
      `${source}.json`,
      async (signal) => {
        await delay(4000, undefined, { signal }).catch(() => {});
        throw new Error('over');
      },
      { source, limitMs: 20_000 },
    );
  const { told } = await run(
    piece('first.json', never, { source: 'server', limitMs: 20 }),
    measured('server'),
    measured('machine'),
  );
  t.is(told[1].reason, 'not done within 2000 ms');
  t.is(told[2].reason, 'over');
});

test('what is too long is cut, with a note', async (t) => {
  const { files, told } = await run(piece('big.txt', () => ({ text: 'a'.repeat(PIECE_BYTES_MAX) })));
  t.is(files.get('big.txt')?.length, PIECE_BYTES_MAX / 2);
  t.regex(told[0].note ?? '', /^cut after 8388608 of 16777216 characters$/);
});
