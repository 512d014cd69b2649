/**
 * Collections of random documents whose members have known kinds. Decimals are multiples of a quarter, so that sums and products
 * of them are exact both as doubles and as decimals, in any order.
 */
import type { Choices } from './choices.js';

export type MemberType = 'number' | 'text' | 'boolean' | 'timestamp' | 'json';

export interface Member {
  readonly path: readonly string[];
  readonly type: MemberType;
  /** Small whole numbers: their text is the same in both databases, whatever was calculated. */
  readonly isWhole?: boolean;
}

export interface Collection {
  readonly name: string;
  readonly members: readonly Member[];
  readonly documents: readonly string[];
}

const MEMBERS: readonly Member[] = [
  { path: ['_id'], type: 'text' },
  { path: ['n'], type: 'number', isWhole: true },
  { path: ['k'], type: 'number', isWhole: true },
  { path: ['d'], type: 'number' },
  { path: ['s'], type: 'text' },
  { path: ['w'], type: 'text' },
  { path: ['b'], type: 'boolean' },
  { path: ['at'], type: 'timestamp' },
  { path: ['o', 'x'], type: 'number', isWhole: true },
  { path: ['o', 'y'], type: 'text' },
  { path: ['o', 'z', 'q'], type: 'number' },
  { path: ['o'], type: 'json' },
  { path: ['tags'], type: 'json' },
];

/** With characters whose order is not that of UTF-16, and the wildcards of LIKE. */
const CHARACTERS = ['a', 'b', 'A', 'B', '_', '%', ' ', 'é', '\uffee', '😀'];
const WORDS = ['apple', 'Banana', 'cherry', 'date', 'Elder berry', 'fig', 'apple pie', 'grape', '10', '9'];
const FIRST_DAY = Date.UTC(2023, 11, 25);

export const SMALL_TEXTS = ['', 'a', 'b', 'A', 'ab', 'ba', 'é', '😀', '_', '%', 'aa'];
export { WORDS };

export function randomCollections(choices: Choices, prefix: string): Collection[] {
  const sizes = [choices.between(30, 70), choices.between(10, 30), choices.between(0, 6)];
  return sizes.map((size, index) => {
    const name = `${prefix}_${'abc'[index]}`;
    const documents = choices.many(size, (number) => randomDocument(choices, `${'xyz'[index]}${number}`));
    return { name, members: MEMBERS, documents };
  });
}

function randomDocument(choices: Choices, id: string): string {
  const members: Record<string, unknown> = { _id: id };
  const maybe = (name: string, make: () => unknown, present = 0.8): void => {
    if (choices.chance(present)) members[name] = choices.chance(0.1) ? null : make();
  };
  maybe('n', () => choices.between(-5, 12));
  maybe('k', () => choices.between(0, 5), 0.95);
  maybe('d', () => choices.between(-12, 40) / 4);
  maybe('s', () => choices.many(choices.between(0, 3), () => choices.pick(CHARACTERS)).join(''));
  maybe('w', () => choices.pick(WORDS), 0.9);
  maybe('b', () => choices.chance(0.5));
  maybe('at', () => randomTime(choices));
  // JSON's null in the place of an object is a scalar here and jsonb's null there: such a member is only left out.
  if (choices.chance(0.8)) members['o'] = randomObject(choices);
  if (choices.chance(0.7))
    members['tags'] = choices.many(choices.between(0, 3), () => choices.pick(['a', 'b', 1, 2]));
  // For plans that are compared with each other only: any kind.
  maybe('m', () =>
    choices.pick<unknown>([1, 2, 2.5, 'a', 'b', '1', true, false, [1], { x: 1 }, '2024-01-02T00:00:00Z']),
  );
  return JSON.stringify(members);
}

function randomObject(choices: Choices): Record<string, unknown> {
  const object: Record<string, unknown> = {};
  if (choices.chance(0.8)) object['x'] = choices.between(0, 9);
  if (choices.chance(0.8)) object['y'] = choices.pick(SMALL_TEXTS);
  if (choices.chance(0.6)) object['z'] = choices.chance(0.9) ? { q: choices.between(-4, 8) / 4 } : {};
  return object;
}

function randomTime(choices: Choices): string {
  const minutes = choices.below(30 * 24 * 60);
  return new Date(
    FIRST_DAY + (choices.chance(0.3) ? minutes - (minutes % 1440) : minutes) * 60_000,
  ).toISOString();
}
