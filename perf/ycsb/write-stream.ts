/**
 * A steady stream of durable PUTs at a fixed rate, in a process of its own: how long does a writer wait at worst while
 * others write all they can? See paced-sender.ts. Argument: a WriteStream; prints a PacedReport.
 */
import { createPrng } from '../../src/base/prng.js';
import { printReport } from '../child-process.js';
import type { HttpLane } from '../http-lane.js';
import { type Pace, PacedSender } from '../paced-sender.js';
import { BODY_BYTES, BodyMaker, COLLECTION_PATH, keyOf } from './records.js';

export interface WriteStream extends Pace {
  readonly records: number;
  readonly seed: number;
}

const HEAD_BYTES_MAX = 1024;

const stream = JSON.parse(process.argv[2]) as WriteStream;
const prng = createPrng(stream.seed);
const bodies = new BodyMaker(stream.seed);
const buffers = new Map<HttpLane, Buffer>();

/** A lane has one request under way: its buffer is free again when it asks for the next. */
function bufferOf(lane: HttpLane): Buffer {
  const known = buffers.get(lane);
  if (known !== undefined) return known;
  const buffer = Buffer.allocUnsafe(HEAD_BYTES_MAX + BODY_BYTES);
  buffers.set(lane, buffer);
  return buffer;
}

function nextPut(lane: HttpLane): Uint8Array {
  const buffer = bufferOf(lane);
  const bodyAt = buffer.write(
    `PUT ${COLLECTION_PATH}/${keyOf(prng.nextBelow(stream.records))} HTTP/1.1\r\n` +
      `Host: 127.0.0.1:${stream.port}\r\nContent-Type: application/json\r\nX-LumaDB-Durability: always\r\n` +
      `Content-Length: ${BODY_BYTES}\r\n\r\n`,
    'latin1',
  );
  bodies.writeTo(buffer, bodyAt);
  return buffer.subarray(0, bodyAt + BODY_BYTES);
}

printReport(await new PacedSender(stream, nextPut, true).run());
