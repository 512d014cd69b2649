/** The batch codec: 64 puts of 150 bytes encoded by a front, and read by a shard. Tasks for bench/main.ts. */
import { hashKey } from '../src/base/hash.js';
import { WriteBatchEncoder } from '../src/batch/write-batch-encoder.js';
import { WriteBatchView } from '../src/batch/write-batch-view.js';
import { WriteOutcome, WriteReplyEncoder, WriteReplyView } from '../src/batch/write-reply.js';
import { ConditionKind } from '../src/generated/lumadb/schema/condition-kind.js';
import { Durability } from '../src/generated/lumadb/schema/durability.js';
import { OperationKind } from '../src/generated/lumadb/schema/operation-kind.js';

const PUTS = 64;
const VALUE_BYTES = 150;
const NOW_SECONDS = 1_800_000_000;

export function batchBenchmarks(): Array<{ name: string; fn: () => void; operationsPerCall?: number }> {
  const text = new TextEncoder();
  const keys = Array.from({ length: PUTS }, (_, i) => text.encode(`user-${String(i).padStart(8, '0')}`));
  const hashes = keys.map((key) => hashKey(1, key, 0, key.length));
  const value = new Uint8Array(VALUE_BYTES).fill(0x78);
  const encoder = new WriteBatchEncoder();
  const encode = (): Uint8Array => {
    encoder.reset();
    for (let i = 0; i < PUTS; i++) {
      const key = keys[i];
      encoder.add(
        OperationKind.Put,
        1,
        hashes[i],
        key,
        key.length,
        value,
        0,
        VALUE_BYTES,
        ConditionKind.None,
        0,
        undefined,
        0,
      );
    }
    return encoder.finish(1, Durability.Always, false, NOW_SECONDS);
  };
  const batch = encode().slice();
  const view = new WriteBatchView();
  const outcome = new WriteOutcome();
  outcome.begin(PUTS);
  outcome.statuses.fill(1, 0, PUTS);
  const replyEncoder = new WriteReplyEncoder();
  const reply = replyEncoder.encode(1, 1, Durability.Always, outcome).slice();
  const replyView = new WriteReplyView();
  return [
    {
      name: `batch: encode ${PUTS} puts of ${VALUE_BYTES} bytes`,
      operationsPerCall: PUTS,
      fn: () => {
        encode();
      },
    },
    {
      name: `batch: read ${PUTS} puts`,
      operationsPerCall: PUTS,
      fn: () => {
        view.open(batch);
        let sum = 0;
        for (let i = 0; i < view.count; i++) {
          sum += view.kind(i) + view.keyHash(i) + view.collection(i) + view.keyEnd(i) + view.valueEnd(i);
          sum += view.keys[view.keyStart(i)] + view.values[view.valueStart(i)];
        }
        if (Number.isNaN(sum)) throw new Error('a column is missing');
      },
    },
    {
      name: `batch: encode and read the reply to ${PUTS} puts`,
      operationsPerCall: PUTS,
      fn: () => {
        replyEncoder.encode(1, 1, Durability.Always, outcome);
        replyView.open(reply);
        for (let i = 0; i < PUTS; i++) if (replyView.status(i) !== 1) throw new Error('a status is wrong');
      },
    },
  ];
}
