/**
 * The traffic of one WebSocket client: queues operations, packs them into request frames, matches answers, and decides
 * what a broken connection or a passed deadline means for each. Knows no socket: frames leave through `FrameSink` and
 * come in through receive(), so that tests need no network.
 */
import { RequestFrameEncoder } from '../batch/request-frame-encoder.js';
import { ResponseFrameView } from '../batch/response-frame-view.js';
import type { Durability } from '../generated/lumadb/schema/durability.js';
import { RequestOp } from '../generated/lumadb/schema/request-op.js';
import { LumaDbError } from './error.js';
import { type Flight, FlightTable } from './flights.js';
import { type BulkJob, isRepeatable, type KeyRange, lostInFlight, type Operation } from './operations.js';

export interface FrameSink {
  /** False while nothing should be sent: not connected, or the socket's buffer is full. */
  readonly isReady: boolean;
  /** The bytes are copied before it returns. */
  sendBinary(frame: Uint8Array): void;
}

export interface FrameExchangeOptions {
  /** Operations under way at a time. */
  readonly maxInFlight: number;
  /** A frame is finished at this many operations, or this many bytes of keys and values. */
  readonly batchOperations: number;
  readonly batchBytes: number;
  /** A frame without all its answers after this long is given up. */
  readonly timeoutMs: number;
  /** Times an operation may be sent again after the connection broke under it. */
  readonly retries: number;
}

interface SingleCargo {
  readonly job: undefined;
  /** An entry is taken out when it is answered. */
  readonly operations: (Operation | undefined)[];
}
interface BulkCargo {
  readonly job: BulkJob;
  readonly range: KeyRange;
}
type Cargo = SingleCargo | BulkCargo;

/** UTF-8 takes at most three bytes per UTF-16 unit. */
const BYTES_PER_UNIT_MAX = 3;

export class FrameExchange {
  private queue: Operation[] = [];
  private readonly jobs: BulkJob[] = [];
  private readonly flights = new FlightTable<Cargo>();
  private readonly encoder = new RequestFrameEncoder();
  private readonly view = new ResponseFrameView();
  private isBulkTurn = false;

  constructor(
    private readonly options: FrameExchangeOptions,
    private readonly sink: FrameSink,
  ) {}

  /** Single operations waiting to be sent, and operations of any kind under way. */
  get outstanding(): number {
    return this.queue.length + this.flights.operations;
  }

  get jobCount(): number {
    return this.jobs.length;
  }

  get isIdle(): boolean {
    return this.outstanding === 0 && this.jobs.length === 0;
  }

  add(operation: Operation): void {
    this.queue.push(operation);
  }

  addJob(job: BulkJob): void {
    this.jobs.push(job);
  }

  /** Sends what can be sent now. Single operations and bulk jobs take turns. */
  pump(nowMs: number): void {
    let taken = 0;
    while (this.sink.isReady && this.flights.hasRoom) {
      const room = this.options.maxInFlight - this.flights.operations;
      if (room <= 0) break;
      const job = this.isWorthAJobFrame(room) ? this.nextJob() : undefined;
      const hasSingle = taken < this.queue.length;
      if (job !== undefined && (this.isBulkTurn || !hasSingle)) this.sendJobFrame(job, room, nowMs);
      else if (hasSingle) taken += this.sendQueueFrame(taken, room, nowMs);
      else break;
      this.isBulkTurn = !this.isBulkTurn;
    }
    if (taken > 0) this.queue = this.queue.slice(taken);
  }

  /** Takes in a response frame, which must belong to us alone. The error means that the server cannot be trusted. */
  receive(bytes: Uint8Array): LumaDbError | undefined {
    const { view } = this;
    const bad = view.open(bytes);
    if (bad !== undefined) return new LumaDbError('INTERNAL_ERROR', `the server sent a ${bad.message}`);
    for (let i = 0; i < view.count; i++) {
      const id = view.id(i);
      const flight = this.flights.find(id);
      // An answer to something that was given up, or answered before.
      if (flight === undefined) continue;
      const isNew = this.deliver(flight, FlightTable.indexOf(id), i);
      if (isNew) this.flights.answered(flight);
    }
    return undefined;
  }

  /** The connection is gone: what may be repeated waits for the next one, the rest fails. */
  connectionLost(cause: LumaDbError): void {
    const repeated: Operation[] = [];
    const hitJobs = new Set<BulkJob>();
    for (const flight of this.flights.all()) {
      this.flights.abandon(flight);
      const { cargo } = flight;
      if (cargo.job === undefined) {
        this.operationsLost(cargo.operations, cause, repeated);
        continue;
      }
      if (!hitJobs.has(cargo.job)) cargo.job.losses++;
      hitJobs.add(cargo.job);
      this.jobLost(cargo.job, cargo.range, cause);
    }
    if (repeated.length > 0) this.queue = repeated.concat(this.queue);
    this.dropSettledJobs();
  }

  /** Rejects everything. */
  failAll(error: LumaDbError): void {
    const operations = this.queue;
    const jobs = this.jobs.splice(0);
    this.queue = [];
    for (const flight of this.flights.all()) {
      this.flights.abandon(flight);
      if (flight.cargo.job !== undefined) flight.cargo.job.fail(error);
      else for (const operation of flight.cargo.operations) operation?.reject(error);
    }
    for (const operation of operations) operation.reject(error);
    for (const job of jobs) job.fail(error);
  }

  /** Gives up what is past its deadline. The outcome of a write that had been sent is unknown. */
  expire(nowMs: number): void {
    const late = (what: string): LumaDbError =>
      new LumaDbError('TIMEOUT', `${what} within ${this.options.timeoutMs} ms`);
    for (const flight of this.flights.all()) {
      if (flight.deadlineMs > nowMs) continue;
      this.flights.abandon(flight);
      const error = late('no answer from the server');
      if (flight.cargo.job !== undefined) flight.cargo.job.fail(error);
      else for (const operation of flight.cargo.operations) operation?.reject(error);
    }
    if (this.queue.some((operation) => operation.deadlineMs <= nowMs)) {
      const expired = this.queue.filter((operation) => operation.deadlineMs <= nowMs);
      this.queue = this.queue.filter((operation) => operation.deadlineMs > nowMs);
      for (const operation of expired) operation.reject(late('the operation could not be sent'));
    }
    this.dropSettledJobs();
  }

  /** Removes an operation that has not been sent; false when it has. */
  withdraw(operation: Operation): boolean {
    const at = this.queue.indexOf(operation);
    if (at >= 0) this.queue.splice(at, 1);
    return at >= 0;
  }

  /** Answers may trickle in: without this, each would let out a tiny frame, whose answers trickle in again. */
  private isWorthAJobFrame(room: number): boolean {
    const { batchOperations, maxInFlight } = this.options;
    return room >= Math.min(batchOperations, Math.ceil(maxInFlight / 2));
  }

  private nextJob(): BulkJob | undefined {
    return this.jobs.find((job) => job.todo.length > 0);
  }

  /** Packs operations from queue[from] on; all of one frame have the same durability. Returns how many. */
  private sendQueueFrame(from: number, room: number, nowMs: number): number {
    const { encoder, queue } = this;
    const most = Math.min(room, this.options.batchOperations, queue.length - from);
    const { durability } = queue[from];
    const firstId = this.flights.nextFirstId;
    encoder.reset();
    let count = 0;
    for (; count < most; count++) {
      const operation = queue[from + count];
      if (operation.durability !== durability) break;
      if (count > 0 && this.isFull(operation.value)) break;
      encoder.add(
        operation.op,
        // A Ping belongs to no collection; the index is not read.
        operation.op === RequestOp.Ping ? 0 : encoder.collectionIndex(operation.collection),
        firstId + count,
        operation.key,
        operation.value,
        operation.condition,
        operation.expectedSeqno,
        operation.operationId,
        operation.ttlSeconds,
      );
    }
    const operations = queue.slice(from, from + count);
    this.takeOff({ job: undefined, operations }, count, durability, nowMs);
    return count;
  }

  private sendJobFrame(job: BulkJob, room: number, nowMs: number): void {
    const { encoder } = this;
    const [range] = job.todo;
    const most = Math.min(room, this.options.batchOperations, range.end - range.start);
    const firstId = this.flights.nextFirstId;
    encoder.reset();
    const collection = encoder.collectionIndex(job.collection);
    let count = 0;
    for (; count < most; count++) {
      const at = range.start + count;
      const value = job.values?.[at];
      if (count > 0 && this.isFull(value)) break;
      const operationId = job.operationIds?.subarray(at * 4, at * 4 + 4);
      encoder.add(
        job.op,
        collection,
        firstId + count,
        job.keys[at],
        value,
        undefined,
        undefined,
        operationId,
        job.ttlSeconds,
      );
    }
    const end = range.start + count;
    if (end === range.end) job.todo.shift();
    else job.todo[0] = { start: end, end: range.end };
    this.takeOff({ job, range: { start: range.start, end } }, count, job.durability, nowMs);
  }

  private isFull(nextValue: string | Uint8Array | undefined): boolean {
    const units = nextValue === undefined ? 0 : nextValue.length;
    const nextBytes = typeof nextValue === 'string' ? units * BYTES_PER_UNIT_MAX : units;
    return this.encoder.byteSize + nextBytes > this.options.batchBytes;
  }

  private takeOff(cargo: Cargo, count: number, durability: Durability, nowMs: number): void {
    this.flights.begin(cargo, count, nowMs + this.options.timeoutMs);
    this.sink.sendBinary(this.encoder.finish(durability));
  }

  /** False when the operation has been answered before. */
  private deliver(flight: Flight<Cargo>, index: number, answer: number): boolean {
    const { view } = this;
    const { cargo } = flight;
    const status = view.status(answer);
    const seqno = view.seqno(answer);
    const start = view.valueStart(answer);
    const end = view.valueEnd(answer);
    if (cargo.job !== undefined) {
      const { job } = cargo;
      const frame = job.result.addFrame(view.bytes);
      if (!job.result.fill(cargo.range.start + index, status, seqno, frame, start, end)) return false;
      job.answered();
      if (job.isSettled) this.dropSettledJobs();
      return true;
    }
    const operation = cargo.operations[index];
    if (operation === undefined) return false;
    cargo.operations[index] = undefined;
    operation.resolve({ status, seqno, bytes: view.bytes, start, end });
    return true;
  }

  private operationsLost(
    operations: readonly (Operation | undefined)[],
    cause: LumaDbError,
    repeated: Operation[],
  ): void {
    for (const operation of operations) {
      if (operation === undefined) continue;
      operation.losses++;
      const isSafe = isRepeatable(operation.op, operation.operationId !== undefined);
      if (isSafe && operation.losses <= this.options.retries) repeated.push(operation);
      else operation.reject(lostInFlight(cause));
    }
  }

  private jobLost(job: BulkJob, range: KeyRange, cause: LumaDbError): void {
    if (job.isSettled) return;
    const isSafe = isRepeatable(job.op, job.operationIds !== undefined);
    if (isSafe && job.losses <= this.options.retries) job.lost(range);
    else job.fail(lostInFlight(cause));
  }

  private dropSettledJobs(): void {
    for (let i = this.jobs.length - 1; i >= 0; i--) if (this.jobs[i].isSettled) this.jobs.splice(i, 1);
  }
}
