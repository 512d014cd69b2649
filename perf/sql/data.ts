/**
 * The data of the SQL comparison: N orders of 150 to 200 bytes and N / 100 accounts. Every document follows from its number
 * alone, so that both peers hold the same and a generator knows what it asks for.
 */

export const ORDERS = 'orders';
export const ACCOUNTS = 'accounts';

export const DOCUMENTS_MIN = 1000;
export const DOCUMENTS_MAX = 5_000_000;
const ORDERS_PER_ACCOUNT = 100;
const ORDERS_PER_CUSTOMER = 10;
const CITIES = 100;
const TIERS = 8;
/** Amounts are from 0 to this − 1; whole numbers, so that sums are exact whoever adds. */
export const AMOUNT_BOUND = 1_000_000;
/** A prime beyond DOCUMENTS_MAX: multiplied by it, the numbers below N are a permutation of themselves modulo N. */
const STRIDE = 982_451_653;
const CREATED_FROM_MS = 1_600_000_000_000;
const CREATED_STEP_MS = 1000;
/** Orders whose times lie in the range that a range query asks for. */
const RANGE_ORDERS = 1000;

const NOTE = 'the quick brown fox jumps over the lazy dog and runs along the river';
const NOTE_LENGTH_MIN = 20;
const NOTE_LENGTHS = 40;

const padded = (value: number, digits: number): string => String(value).padStart(digits, '0');

/** Spreads a number over 32 bits (the finalizer of MurmurHash3). */
function mixed(index: number, salt: number): number {
  let hash = Math.imul(index ^ salt, 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

export function orderKey(index: number): string {
  return `o${padded(index, 7)}`;
}

export function accountsOf(documents: number): number {
  return Math.max(1, Math.floor(documents / ORDERS_PER_ACCOUNT));
}

function customersOf(documents: number): number {
  return Math.max(1, Math.floor(documents / ORDERS_PER_CUSTOMER));
}

export function accountKey(index: number): string {
  return `a${padded(index, 6)}`;
}

export function customerName(index: number): string {
  return `customer-${padded(index, 6)}`;
}

function createdMs(place: number): number {
  return CREATED_FROM_MS + place * CREATED_STEP_MS;
}

/** JSON text without `_id`, which goes into the path. */
export function orderText(index: number, documents: number): string {
  const customer = customerName(mixed(index, 0x51ed) % customersOf(documents));
  const account = accountKey(mixed(index, 0xacc0) % accountsOf(documents));
  const city = `city-${padded(mixed(index, 0xc17) % CITIES, 3)}`;
  const created = createdMs((index * STRIDE) % documents);
  const amount = mixed(index, 0xa300) % AMOUNT_BOUND;
  const note = NOTE.slice(0, NOTE_LENGTH_MIN + (index % NOTE_LENGTHS));
  return `{"customer":"${customer}","account":"${account}","city":"${city}","created":${created},"amount":${amount},"note":"${note}"}`;
}

export function accountText(index: number): string {
  return `{"account":"${accountKey(index)}","tier":"tier-${mixed(index, 0x71e2) % TIERS}","limit":${mixed(index, 0x11) % AMOUNT_BOUND}}`;
}

/** The same with `_id` in front, as LumaDB keeps it. */
export function withId(key: string, text: string): string {
  return `{"_id":"${key}",${text.slice(1)}`;
}

/** What a query asks for at random. */
export interface Draw {
  readonly documents: number;
  /** A whole number from 0 to `bound` − 1. */
  readonly below: (bound: number) => number;
}

export function anyOrderKey({ documents, below }: Draw): readonly string[] {
  return [orderKey(below(documents))];
}

export function anyCustomer({ documents, below }: Draw): readonly string[] {
  return [customerName(mixed(below(documents), 0x51ed) % customersOf(documents))];
}

export function anyRange({ documents, below }: Draw): readonly number[] {
  const start = below(documents);
  return [createdMs(start), createdMs(start + RANGE_ORDERS)];
}
