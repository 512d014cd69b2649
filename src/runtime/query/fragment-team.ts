/**
 * What the threads of one gather share: who takes which part, who has to stop, and who is still there. The leader is the query
 * thread that runs the statement; members help it. Rows travel beside it, over one message port for each member.
 *
 * Words (int32), all accessed with Atomics:
 *
 *   word           written by          meaning
 *   0 STOP         leader, main        1: nobody wants more rows; members end at their next look
 *   1 YIELD        main                1: a statement waits for a thread; members end after their part
 *   2 NEXT_PART    leader, members     the part that is taken next (Atomics.add)
 *   3 ARRIVALS     members, main       bumped after each message and each change of a state; the leader waits on it
 *   4 + 2m STATE   leader, member, main   of member m; see MemberState
 *   5 + 2m TAKEN   leader              batches of member m that the leader has taken; the member waits on it
 */
import { assert } from '../../base/assert.js';

const STOP = 0;
const YIELD = 1;
const NEXT_PART = 2;
const ARRIVALS = 3;
const MEMBERS = 4;
const WORDS_PER_MEMBER = 2;
const STATE = 0;
const TAKEN = 1;

export const MEMBER_INVITED = 0;
/** Only from MEMBER_INVITED, by compareExchange: a member that is withdrawn never starts. */
export const MEMBER_JOINED = 1;
export const MEMBER_LEFT = 2;
/** No thread was free, or all parts were taken before one came. */
export const MEMBER_WITHDRAWN = 3;
/** Its thread has ended; set by the main thread. */
export const MEMBER_DIED = 4;

export class FragmentTeam {
  private readonly words: Int32Array;
  readonly members: number;

  constructor(readonly buffer: SharedArrayBuffer) {
    this.words = new Int32Array(buffer);
    this.members = (this.words.length - MEMBERS) / WORDS_PER_MEMBER;
  }

  static create(members: number): FragmentTeam {
    return new FragmentTeam(new SharedArrayBuffer((MEMBERS + members * WORDS_PER_MEMBER) * 4));
  }

  /** The number of a part that nobody else has; undefined when all are taken. */
  takePart(parts: number): number | undefined {
    const part = Atomics.add(this.words, NEXT_PART, 1);
    return part < parts ? part : undefined;
  }

  get isStopped(): boolean {
    return Atomics.load(this.words, STOP) !== 0;
  }

  /** Also wakes members that wait for the leader. */
  stop(): void {
    Atomics.store(this.words, STOP, 1);
    for (let member = 0; member < this.members; member++) Atomics.notify(this.words, wordOf(member, TAKEN));
  }

  get mustYield(): boolean {
    return Atomics.load(this.words, YIELD) !== 0;
  }

  yieldThreads(): void {
    Atomics.store(this.words, YIELD, 1);
  }

  state(member: number): number {
    return Atomics.load(this.words, wordOf(member, STATE));
  }

  /** False when it is not wanted any more. */
  join(member: number): boolean {
    return this.change(member, MEMBER_INVITED, MEMBER_JOINED);
  }

  leave(member: number): void {
    this.change(member, MEMBER_JOINED, MEMBER_LEFT);
    this.arrive();
  }

  withdraw(member: number): void {
    this.change(member, MEMBER_INVITED, MEMBER_WITHDRAWN);
    this.arrive();
  }

  /** After its thread has ended. One that had left or had not begun is not missed. Main thread only. */
  bury(member: number): void {
    this.change(member, MEMBER_INVITED, MEMBER_WITHDRAWN);
    this.change(member, MEMBER_JOINED, MEMBER_DIED);
    this.arrive();
  }

  hasWorkingMembers(): boolean {
    for (let member = 0; member < this.members; member++)
      if (this.state(member) === MEMBER_JOINED) return true;
    return false;
  }

  /** Pairs with `arrivals` of the leader: what was posted before is there once the new count is seen. */
  arrive(): void {
    Atomics.add(this.words, ARRIVALS, 1);
    Atomics.notify(this.words, ARRIVALS);
  }

  get arrivals(): number {
    return Atomics.load(this.words, ARRIVALS);
  }

  waitForArrival(seen: number, timeoutMs: number): void {
    Atomics.wait(this.words, ARRIVALS, seen, timeoutMs);
  }

  taken(member: number): number {
    return Atomics.load(this.words, wordOf(member, TAKEN));
  }

  noteTaken(member: number): void {
    Atomics.add(this.words, wordOf(member, TAKEN), 1);
    Atomics.notify(this.words, wordOf(member, TAKEN));
  }

  waitForTaken(member: number, seen: number, timeoutMs: number): void {
    Atomics.wait(this.words, wordOf(member, TAKEN), seen, timeoutMs);
  }

  private change(member: number, from: number, to: number): boolean {
    assert(member >= 0 && member < this.members, () => `member ${member} of ${this.members}`);
    return Atomics.compareExchange(this.words, wordOf(member, STATE), from, to) === from;
  }
}

const wordOf = (member: number, word: number): number => MEMBERS + member * WORDS_PER_MEMBER + word;
