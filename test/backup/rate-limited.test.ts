import test from 'ava';
import { RateLimitedStore } from '../../src/backup/store/rate-limited.js';
import { ManualClock } from '../../src/base/clock.js';
import { RateLimit } from '../../src/compaction/rate-limit.js';
import { collect, noise, reusedBuffer, sourceOf, textOf } from '../support/byte-sources.js';
import { MemoryObjectStore } from '../support/memory-object-store.js';
import { declareContract } from './store-contract.js';

declareContract(test, {
  name: 'RateLimitedStore without a limit',
  create: () => new RateLimitedStore(new MemoryObjectStore(), new RateLimit(Infinity, new ManualClock())),
});

/** Whoever sleeps moves the clock to the end of his sleep, if nobody has been later yet. */
function limited(bytesPerSecond: number): { readonly store: RateLimitedStore; readonly clock: ManualClock } {
  const clock = new ManualClock();
  const sleep = async (ms: number): Promise<void> => {
    const endMs = clock.monotonicMs() + ms;
    await new Promise((resolve) => setImmediate(resolve));
    if (endMs > clock.monotonicMs()) clock.advance(endMs - clock.monotonicMs());
  };
  const limit = new RateLimit(bytesPerSecond, clock);
  return { store: new RateLimitedStore(new MemoryObjectStore(), limit, sleep), clock };
}

test('puts and gets of all streams together stay within the rate', async (t) => {
  const { store, clock } = limited(1_000_000);
  const bytes = noise(1_000_000);
  await Promise.all(['a', 'b', 'c'].map((name) => store.below('f').put(name, reusedBuffer(bytes, 50_000))));
  const putMs = clock.monotonicMs();
  t.true(putMs > 2700 && putMs <= 3001, `${putMs}`);
  const got = await Promise.all(['a', 'b'].map((name) => collect(store.get(`f/${name}`))));
  t.true(got.every((copy) => copy.equals(bytes)));
  const getMs = clock.monotonicMs() - putMs;
  t.true(getMs > 1700 && getMs <= 2001, `${getMs}`);
});

test('a put that waits for its turn can be called off', async (t) => {
  const clock = new ManualClock();
  const store = new RateLimitedStore(new MemoryObjectStore(), new RateLimit(1, clock));
  const abort = new AbortController();
  const put = store.put('a', sourceOf('more than a second'), { signal: abort.signal });
  const reason = new Error('enough');
  setTimeout(() => abort.abort(reason), 50);
  t.is(await t.throwsAsync(put), reason);
  await store.put('b', sourceOf());
  t.is(await textOf(store.get('b')), '');
});
