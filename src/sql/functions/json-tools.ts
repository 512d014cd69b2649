/** What the functions on jsonb are made of: values as trees, access by path, containment, changes. Pure. */
import { INVALID_PARAMETER_VALUE, sqlError } from '../errors.js';
import {
  compareTrees,
  isJsonArray,
  isJsonObject,
  type JsonObject,
  type JsonTree,
  parseTree,
  treeToValue,
} from '../types/json-tree.js';
import { toJsonText } from '../types/text.js';
import { Json, type SqlValue } from '../types/values.js';

/** Any value as JSON; scalars stand for themselves, arrays and times are converted. */
export function treeOf(value: SqlValue): JsonTree {
  if (value instanceof Json) return parseTree(value.text);
  if (typeof value === 'object' && value !== null) return parseTree(toJsonText(value));
  return typeof value === 'number' && !Number.isFinite(value) ? String(value) : value;
}

export const memberOf = (tree: JsonTree, key: string): JsonTree | undefined =>
  isJsonObject(tree) && Object.hasOwn(tree, key) ? tree[key] : undefined;

/** Negative places count from the end. */
export const elementAt = (tree: JsonTree, index: number): JsonTree | undefined =>
  isJsonArray(tree) ? tree[index < 0 ? tree.length + index : index] : undefined;

const INTEGER = /^[+-]?\d+$/;

/** One step of a path: a key of an object, a place of an array. */
export function stepInto(tree: JsonTree, step: string): JsonTree | undefined {
  if (!isJsonArray(tree)) return memberOf(tree, step);
  return INTEGER.test(step) ? elementAt(tree, Number(step)) : undefined;
}

export function followPath(tree: JsonTree, path: readonly SqlValue[]): JsonTree | undefined {
  let at: JsonTree | undefined = tree;
  for (const step of path) {
    if (step === null || at === undefined) return undefined;
    at = stepInto(at, String(step));
  }
  return at;
}

export const toValue = (tree: JsonTree | undefined): SqlValue =>
  tree === undefined ? null : treeToValue(tree);

/** An object with one key more or replaced; not by assignment, because of `__proto__`. */
export const withMember = (object: JsonObject, key: string, value: JsonTree): JsonObject =>
  Object.fromEntries([...Object.entries(object).filter(([other]) => other !== key), [key, value]]);

export const withoutMembers = (object: JsonObject, keys: ReadonlySet<string>): JsonObject =>
  Object.fromEntries(Object.entries(object).filter(([key]) => !keys.has(key)));

/** @>: every member and element of `part` is in `whole`. An array holds a scalar, but only at the top. */
export function containsTree(whole: JsonTree, part: JsonTree, isTop = true): boolean {
  if (isJsonObject(part)) {
    if (!isJsonObject(whole)) return false;
    return Object.entries(part).every(([key, value]) => {
      const member = memberOf(whole, key);
      return member !== undefined && containsTree(member, value, false);
    });
  }
  if (isJsonArray(part)) {
    if (!isJsonArray(whole)) return false;
    return part.every((element) => whole.some((candidate) => containsTree(candidate, element, false)));
  }
  if (isJsonArray(whole)) return isTop && whole.some((candidate) => compareTrees(candidate, part) === 0);
  return compareTrees(whole, part) === 0;
}

/** ?: a key of an object, a string of an array, or the string itself. */
export function hasKey(tree: JsonTree, key: string): boolean {
  if (isJsonObject(tree)) return Object.hasOwn(tree, key);
  return isJsonArray(tree) ? tree.includes(key) : tree === key;
}

/** Objects are joined; everything else becomes arrays that are. */
export function concatenateJson(a: SqlValue, b: SqlValue): SqlValue {
  const left = treeOf(a);
  const right = treeOf(b);
  if (isJsonObject(left) && isJsonObject(right)) {
    return treeToValue(Object.fromEntries([...Object.entries(left), ...Object.entries(right)]));
  }
  const list = (tree: JsonTree): readonly JsonTree[] => (isJsonArray(tree) ? tree : [tree]);
  return treeToValue([...list(left), ...list(right)]);
}

/** - text: without a key, or without the strings that equal it. */
export function deleteKeys(tree: JsonTree, keys: ReadonlySet<string>): JsonTree {
  if (isJsonObject(tree)) return withoutMembers(tree, keys);
  if (isJsonArray(tree)) return tree.filter((element) => !(typeof element === 'string' && keys.has(element)));
  throw sqlError(INVALID_PARAMETER_VALUE, 'cannot delete from scalar');
}

export function deleteIndex(tree: JsonTree, index: number): JsonTree {
  if (isJsonArray(tree)) {
    const at = index < 0 ? tree.length + index : index;
    return tree.filter((_, place) => place !== at);
  }
  const reason = isJsonObject(tree) ? 'object using integer index' : 'scalar';
  throw sqlError(INVALID_PARAMETER_VALUE, `cannot delete from ${reason}`);
}

/** What to do at the end of a path; `present` is what is there. Undefined: nothing shall be there. */
export interface PathEdit {
  readonly kind: 'set' | 'insertBefore' | 'insertAfter' | 'delete';
  readonly value: JsonTree;
  readonly createMissing: boolean;
}

export function editPath(tree: JsonTree, path: readonly SqlValue[], edit: PathEdit, at = 0): JsonTree {
  const step = path[at];
  if (at >= path.length) return tree;
  if (step === null || step === undefined) {
    throw sqlError('22004', `path element at position ${at + 1} is null`);
  }
  const key = String(step);
  if (isJsonObject(tree)) return editMember(tree, key, path, edit, at);
  if (!isJsonArray(tree)) return tree;
  if (!INTEGER.test(key)) {
    throw sqlError('22P02', `path element at position ${at + 1} is not an integer: "${key}"`);
  }
  return editElement(tree, Number(key), path, edit, at);
}

function editMember(
  object: JsonObject,
  key: string,
  path: readonly SqlValue[],
  edit: PathEdit,
  at: number,
): JsonTree {
  const present = memberOf(object, key);
  const isLast = at === path.length - 1;
  if (!isLast) {
    if (present === undefined) return object;
    return replaceMember(object, key, editPath(present, path, edit, at + 1));
  }
  if (edit.kind === 'delete') return withoutMembers(object, new Set([key]));
  if (present === undefined) return edit.createMissing ? withMember(object, key, edit.value) : object;
  if (edit.kind === 'set') return replaceMember(object, key, edit.value);
  throw sqlError(INVALID_PARAMETER_VALUE, 'cannot replace existing key');
}

/** Keeps the member's place. */
const replaceMember = (object: JsonObject, key: string, value: JsonTree): JsonObject =>
  Object.fromEntries(Object.entries(object).map(([name, old]) => [name, name === key ? value : old]));

function editElement(
  array: readonly JsonTree[],
  index: number,
  path: readonly SqlValue[],
  edit: PathEdit,
  at: number,
): JsonTree {
  const place = index < 0 ? array.length + index : index;
  const isThere = place >= 0 && place < array.length;
  const isLast = at === path.length - 1;
  if (!isLast) return isThere ? array.with(place, editPath(array[place], path, edit, at + 1)) : array;
  if (!isThere) {
    if (edit.kind === 'delete' || !edit.createMissing) return array;
    return place < 0 ? [edit.value, ...array] : [...array, edit.value];
  }
  if (edit.kind === 'delete') return array.filter((_, other) => other !== place);
  if (edit.kind === 'set') return array.with(place, edit.value);
  const insertAt = edit.kind === 'insertAfter' ? place + 1 : place;
  return [...array.slice(0, insertAt), edit.value, ...array.slice(insertAt)];
}

export function stripNulls(tree: JsonTree): JsonTree {
  if (isJsonArray(tree)) return tree.map(stripNulls);
  if (!isJsonObject(tree)) return tree;
  return Object.fromEntries(
    Object.entries(tree)
      .filter(([, value]) => value !== null)
      .map(([key, value]) => [key, stripNulls(value)]),
  );
}
