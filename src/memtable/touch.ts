/**
 * Has the system put pages behind a memtable's memory before the writer needs them. Shared memory is allocated without:
 * the first store to each page is a page fault, which took 5 to 15 microseconds on the machine of the measurements, and a writer
 * that fills new memory has one for every dozen or two of documents. Here another thread has them. See ADR 0013.
 */
const PAGE_WORDS = 4096 >> 2;

/**
 * Any thread, also while the memtable is written and read: `or` with 0 is one indivisible step of the processor, so it
 * stores what is there and no store of the writer's can be lost in it.
 */
export function touchPages(memtable: SharedArrayBuffer): void {
  const words = new Int32Array(memtable);
  for (let word = 0; word < words.length; word += PAGE_WORDS) Atomics.or(words, word, 0);
}
