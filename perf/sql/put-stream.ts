/**
 * Durable PUTs of orders at a fixed rate, in a process of its own; see paced-sender.ts. Argument: a PutStream; prints a
 * PacedReport.
 */
import { createPrng } from '../../src/base/prng.js';
import { printReport } from '../child-process.js';
import { type Pace, PacedSender } from '../paced-sender.js';
import { putRequest } from './put-client.js';

export interface PutStream extends Pace {
  readonly documents: number;
  readonly seed: number;
}

const stream = JSON.parse(process.argv[2]) as PutStream;
const prng = createPrng(stream.seed);
const nextPut = (): Uint8Array => putRequest(stream.port, prng.nextBelow(stream.documents), stream.documents);
printReport(await new PacedSender(stream, nextPut, true).run());
