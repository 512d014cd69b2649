/** The receiving half of the ring hammer: checks every byte of every message, and releases at random moments. */
import { createPrng } from '../../src/base/prng.js';
import { DoorbellRinger } from '../../src/shm/doorbell.js';
import { RingReader } from '../../src/shm/ring-reader.js';
import { oneIn } from './random.js';
import { nextMessageLength, pauseSometimes, type RingPeerData } from './ring-peers.js';
import { firstWrongByte } from './rings.js';

export class RingChecker {
  readonly reader: RingReader;
  messages = 0;
  bytes = 0;
  fault: string | undefined;
  private readonly content: Uint8Array;
  private readonly producer: DoorbellRinger;
  private readonly lengths;
  private readonly choices;

  constructor(private readonly data: RingPeerData) {
    this.reader = new RingReader(data.ring);
    this.content = new Uint8Array(data.ring);
    this.producer = new DoorbellRinger(data.producerDoorbell);
    this.lengths = createPrng(data.seed);
    this.choices = createPrng(data.seed + 2);
  }

  get isDone(): boolean {
    return this.messages === this.data.messages || this.fault !== undefined;
  }

  /** Takes everything there is. */
  drain(): void {
    while (!this.isDone && this.reader.next()) {
      this.checkOne();
      pauseSometimes(this.choices);
      if (oneIn(this.choices, 3)) this.release();
    }
    this.release();
  }

  private checkOne(): void {
    const { payloadOffset, payloadLength } = this.reader;
    const length = nextMessageLength(this.lengths);
    if (payloadLength !== length) {
      this.fault = `message ${this.messages} has ${payloadLength} bytes instead of ${length}`;
      return;
    }
    const wrong = firstWrongByte(this.content, payloadOffset, length, this.messages);
    if (wrong >= 0) this.fault = `byte ${wrong} of message ${this.messages} is wrong`;
    this.messages++;
    this.bytes += length;
  }

  private release(): void {
    this.reader.release();
    this.producer.ring();
  }
}
