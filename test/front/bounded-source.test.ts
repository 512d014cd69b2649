import test from 'ava';
import { BoundedSource, ReadsTooMuch } from '../../src/front/query/bounded-source.js';
import type { DocumentPlace, DocumentSource } from '../../src/sql/execute/source.js';

const PLACE: DocumentPlace = { bytes: new Uint8Array(2), offset: 0, length: 2, seqno: 1 };
const KEY = new Uint8Array(1);

/** As many documents as anybody wants. */
const endless: DocumentSource = {
  shards: 1,
  scan: (_collection, _partition, _backward, visit) => {
    while (visit(PLACE, KEY, 0, 1));
  },
  get: () => PLACE,
  getByKey: () => PLACE,
  partitions: () => [],
};

test('documents, entries and lookups are counted together, and one too many is refused', (t) => {
  const source = new BoundedSource(endless, 5);
  let visited = 0;
  source.scan(1, { shard: -1 }, false, () => ++visited < 3);
  t.is(visited, 3);
  t.is(source.get(1, 'a'), PLACE);
  t.is(source.getByKey(1, KEY, 0, 1), PLACE);
  t.throws(() => source.get(1, 'b'), { instanceOf: ReadsTooMuch });
});

test('a scan without end is stopped before the visitor sees more than the limit', (t) => {
  const source = new BoundedSource(endless, 100);
  let visited = 0;
  const visit = (): boolean => {
    visited++;
    return true;
  };
  t.throws(() => source.scan(1, { shard: -1 }, false, visit), { instanceOf: ReadsTooMuch });
  t.is(visited, 100);
});
