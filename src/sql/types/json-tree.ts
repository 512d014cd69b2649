/**
 * JSON values as JavaScript has them, integers exact: between the text that Json carries and what functions work on. Text
 * that comes from a document is valid; text of users is checked by the same scanner as documents. Any thread.
 */
import { describeFault } from '../../json/fault.js';
import { parseExact } from '../../json/parse-exact.js';
import { DocumentScan, scanDocument } from '../../json/scan.js';
import { INVALID_TEXT_REPRESENTATION, sqlError } from '../errors.js';
import { compareNumbers, numberToJson } from './numbers.js';
import { compareText } from './text-order.js';
import { Json, type SqlValue } from './values.js';

export type JsonTree = null | boolean | number | bigint | string | readonly JsonTree[] | JsonObject;
export interface JsonObject {
  readonly [key: string]: JsonTree;
}

const scan = new DocumentScan(false);
const WRAP_START = '{"v":';

/** Throws 22P02 unless `text` is one JSON value. */
export function checkJson(text: string): void {
  const bytes = Buffer.from(`${WRAP_START}${text}}`, 'utf8');
  const fault = scanDocument(bytes, 0, bytes.length, scan);
  // `1},{"w":2` would close the wrapping.
  if (fault === 0 && scan.memberCount === 1) return;
  const reason = fault === 0 ? 'one value is expected' : describeFault(fault);
  throw sqlError(INVALID_TEXT_REPRESENTATION, `invalid input syntax for type json: ${reason}`);
}

/** Whether a text may hold an integer that a double cannot. */
const LONG_DIGITS = /\d{16}/;

/** Of valid text. */
export function parseTree(text: string): JsonTree {
  if (!LONG_DIGITS.test(text)) return JSON.parse(text) as JsonTree;
  const bytes = Buffer.from(text, 'utf8');
  return parseExact(bytes, 0, bytes.length) as JsonTree;
}

export const isJsonObject = (tree: JsonTree): tree is JsonObject =>
  typeof tree === 'object' && tree !== null && !Array.isArray(tree);

export const isJsonArray = (tree: JsonTree): tree is readonly JsonTree[] => Array.isArray(tree);

/** Text without spaces, members in the object's order. */
export function writeTree(tree: JsonTree): string {
  if (typeof tree === 'string') return JSON.stringify(tree);
  if (typeof tree === 'number' || typeof tree === 'bigint') return numberToJson(tree);
  if (tree === null || typeof tree === 'boolean') return String(tree);
  if (isJsonArray(tree)) return `[${tree.map(writeTree).join(',')}]`;
  return `{${Object.entries(tree as JsonObject)
    .map(([key, value]) => `${JSON.stringify(key)}:${writeTree(value)}`)
    .join(',')}}`;
}

/** Members in jsonb's order: shorter keys first, then by bytes. */
export function sortedEntries(object: JsonObject): [string, JsonTree][] {
  return Object.entries(object).sort(([a], [b]) => {
    const difference = Buffer.byteLength(a) - Buffer.byteLength(b);
    return difference !== 0 ? difference : compareText(a, b);
  });
}

/** As jsonb is written: members sorted, a space after colons and commas. Also the key of equality of two values. */
export function writeJsonb(tree: JsonTree): string {
  if (isJsonArray(tree)) return `[${tree.map(writeJsonb).join(', ')}]`;
  if (!isJsonObject(tree)) return writeTree(tree);
  return `{${sortedEntries(tree)
    .map(([key, value]) => `${JSON.stringify(key)}: ${writeJsonb(value)}`)
    .join(', ')}}`;
}

const rank = (tree: JsonTree): number => {
  if (tree === null) return 0;
  if (typeof tree === 'string') return 1;
  if (typeof tree === 'number' || typeof tree === 'bigint') return 2;
  if (typeof tree === 'boolean') return 3;
  return isJsonArray(tree) ? 4 : 5;
};

/** jsonb's order: kinds first, then fewer elements or members first, then one by one. */
export function compareTrees(a: JsonTree, b: JsonTree): number {
  const byRank = rank(a) - rank(b);
  if (byRank !== 0) return byRank;
  if (typeof a === 'string') return compareText(a, b as string);
  if (typeof a === 'number' || typeof a === 'bigint') return compareNumbers(a, b as number | bigint);
  if (typeof a === 'boolean') return Number(a) - Number(b);
  if (a === null) return 0;
  if (isJsonArray(a)) return compareArrays(a, b as readonly JsonTree[]);
  const left = sortedEntries(a as JsonObject);
  const right = sortedEntries(b as JsonObject);
  if (left.length !== right.length) return left.length - right.length;
  for (let index = 0; index < left.length; index++) {
    const byKey = compareText(left[index][0], right[index][0]);
    const order = byKey !== 0 ? byKey : compareTrees(left[index][1], right[index][1]);
    if (order !== 0) return order;
  }
  return 0;
}

function compareArrays(a: readonly JsonTree[], b: readonly JsonTree[]): number {
  if (a.length !== b.length) return a.length - b.length;
  for (let index = 0; index < a.length; index++) {
    const order = compareTrees(a[index], b[index]);
    if (order !== 0) return order;
  }
  return 0;
}

/** JSON's scalars are SQL's; objects and arrays stay JSON. */
export function treeToValue(tree: JsonTree): SqlValue {
  return typeof tree === 'object' && tree !== null ? new Json(writeTree(tree)) : tree;
}
