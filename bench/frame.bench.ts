/** Binary WebSocket frames of 64 operations: encode, verify and read. Tasks for bench/main.ts; nothing runs at import. */
import { RequestFrameEncoder } from '../src/batch/request-frame-encoder.js';
import { RequestFrameView } from '../src/batch/request-frame-view.js';
import { ResponseFrameEncoder } from '../src/batch/response-frame-encoder.js';
import { ResponseFrameView } from '../src/batch/response-frame-view.js';
import { Durability } from '../src/generated/lumadb/schema/durability.js';
import { RequestOp } from '../src/generated/lumadb/schema/request-op.js';

const OPERATIONS = 64;
const COLLECTION = 'users';

export function frameBenchmarks(): Array<{ name: string; fn: () => void; operationsPerCall?: number }> {
  const keys = Array.from({ length: OPERATIONS }, (_, i) => `user-${String(i).padStart(6, '0')}`);
  const keyBytes = keys.map((key) => new TextEncoder().encode(key));
  const text = `{"_id":"user-000000","name":"Ada Lovelace","email":"ada@example.com","note":"${'x'.repeat(70)}"}`;
  const document = new TextEncoder().encode(text);
  const requests = new RequestFrameEncoder();
  const encode = (
    op: RequestOp,
    value?: string | Uint8Array,
    names: readonly (string | Uint8Array)[] = keys,
  ) => {
    requests.reset();
    const collection = requests.collectionIndex(COLLECTION);
    for (let i = 0; i < OPERATIONS; i++) requests.add(op, collection, i, names[i], value);
    return requests.finish(Durability.Unspecified);
  };
  const gets = encode(RequestOp.Get).slice();
  const puts = encode(RequestOp.Put, document).slice();
  const getView = new RequestFrameView();
  const read = (frame: Uint8Array): number => {
    let sum = 0;
    if (getView.open(frame) !== undefined) throw new Error('the frame was refused');
    for (let i = 0; i < getView.count; i++) {
      sum +=
        getView.op(i) + getView.id(i) + getView.collectionIndex(i) + getView.keyStart(i) + getView.keyEnd(i);
      sum += getView.valueStart(i) + getView.valueEnd(i) + getView.bytes[getView.keyStart(i)];
    }
    return sum;
  };
  const answers = new ResponseFrameEncoder();
  const shared = new Uint8Array(new SharedArrayBuffer(document.length));
  shared.set(document);
  const answer = (): Uint8Array => {
    answers.reset();
    for (let i = 0; i < OPERATIONS; i++) answers.add(i, 200, 1000 + i, shared, 0, shared.length);
    return answers.finish();
  };
  const response = answer().slice();
  const responseView = new ResponseFrameView();
  const readAnswers = (): number => {
    let sum = 0;
    if (responseView.open(response) !== undefined) throw new Error('the frame was refused');
    for (let i = 0; i < responseView.count; i++) {
      sum += responseView.id(i) + responseView.status(i) + responseView.seqno(i) + responseView.valueStart(i);
      sum += responseView.valueEnd(i);
    }
    return sum;
  };
  const operationsPerCall = OPERATIONS;
  return [
    { name: 'frame: encode a Get, string key', fn: () => void encode(RequestOp.Get), operationsPerCall },
    {
      name: 'frame: encode a Get, key bytes',
      fn: () => void encode(RequestOp.Get, undefined, keyBytes),
      operationsPerCall,
    },
    {
      name: `frame: encode a Put of ${document.length} bytes`,
      fn: () => void encode(RequestOp.Put, document),
      operationsPerCall,
    },
    {
      name: `frame: encode a Put of ${text.length} characters`,
      fn: () => void encode(RequestOp.Put, text),
      operationsPerCall,
    },
    { name: 'frame: verify and read a Get', fn: () => void read(gets), operationsPerCall },
    { name: 'frame: verify and read a Put', fn: () => void read(puts), operationsPerCall },
    { name: `frame: encode an answer of ${shared.length} bytes`, fn: () => void answer(), operationsPerCall },
    { name: 'frame: verify and read an answer', fn: () => void readAnswers(), operationsPerCall },
  ];
}
