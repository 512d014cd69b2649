/**
 * Frames under way. A request id is 32 bits that lead straight to its operation, without a map:
 *
 *     bits 22..31  slot: which flight          bits 14..21  generation of the slot
 *     bits  0..13  index of the operation in its frame
 *
 * The generation tells a late answer to an abandoned frame from one to the frame that now has the slot; slots are
 * reused in turn, so a generation comes back after 262,144 frames.
 */
import { BULK_OPERATIONS_MAX } from '../base/limits.js';

const INDEX_BITS = 14;
const GENERATION_BITS = 8;
const SLOT_SHIFT = INDEX_BITS + GENERATION_BITS;
const INDEX_MASK = 2 ** INDEX_BITS - 1;
const GENERATION_MASK = 2 ** GENERATION_BITS - 1;
/** Frames under way at a time. */
export const FLIGHTS_MAX = 2 ** (32 - SLOT_SHIFT);

if (BULK_OPERATIONS_MAX > INDEX_MASK)
  throw new Error('a frame holds more operations than request ids can count');

export interface Flight<Cargo> {
  readonly slot: number;
  readonly generation: number;
  readonly cargo: Cargo;
  /** Operations in the frame, and those not answered yet. */
  readonly count: number;
  unanswered: number;
  readonly deadlineMs: number;
}

export class FlightTable<Cargo> {
  private readonly flights: (Flight<Cargo> | undefined)[] = new Array(FLIGHTS_MAX).fill(undefined);
  private readonly generations = new Uint8Array(FLIGHTS_MAX);
  /** Free slots as a ring, so that the longest unused is taken next. */
  private readonly free = Uint16Array.from({ length: FLIGHTS_MAX }, (_, slot) => slot);
  private freeHead = 0;
  private freeCount = FLIGHTS_MAX;
  /** Operations under way. */
  operations = 0;

  get hasRoom(): boolean {
    return this.freeCount > 0;
  }

  /** Id of operation 0 of the next flight; the others follow by adding their index. */
  get nextFirstId(): number {
    const slot = this.free[this.freeHead];
    return ((slot << SLOT_SHIFT) | (this.generations[slot] << INDEX_BITS)) >>> 0;
  }

  /** Takes off with the ids from nextFirstId. */
  begin(cargo: Cargo, count: number, deadlineMs: number): void {
    const slot = this.free[this.freeHead];
    this.freeHead = (this.freeHead + 1) % FLIGHTS_MAX;
    this.freeCount--;
    this.operations += count;
    const generation = this.generations[slot];
    this.flights[slot] = { slot, generation, cargo, count, unanswered: count, deadlineMs };
  }

  /** The flight of a request id; undefined when it has landed or was abandoned, or the id was never given out. */
  find(id: number): Flight<Cargo> | undefined {
    const flight = this.flights[id >>> SLOT_SHIFT];
    if (flight === undefined || flight.generation !== ((id >>> INDEX_BITS) & GENERATION_MASK))
      return undefined;
    return (id & INDEX_MASK) < flight.count ? flight : undefined;
  }

  static indexOf(id: number): number {
    return id & INDEX_MASK;
  }

  /** One operation has its answer. The flight lands with the last one. */
  answered(flight: Flight<Cargo>): void {
    flight.unanswered--;
    this.operations--;
    if (flight.unanswered === 0) this.release(flight);
  }

  /** Forgets a flight with its unanswered operations: later answers to it are ignored. */
  abandon(flight: Flight<Cargo>): void {
    this.operations -= flight.unanswered;
    flight.unanswered = 0;
    this.release(flight);
  }

  /** Every flight under way. Flights may be abandoned during the iteration. */
  *all(): Iterable<Flight<Cargo>> {
    if (this.freeCount === FLIGHTS_MAX) return;
    for (const flight of this.flights) if (flight !== undefined) yield flight;
  }

  private release(flight: Flight<Cargo>): void {
    this.flights[flight.slot] = undefined;
    this.generations[flight.slot] = (flight.generation + 1) & GENERATION_MASK;
    this.free[(this.freeHead + this.freeCount) % FLIGHTS_MAX] = flight.slot;
    this.freeCount++;
  }
}
