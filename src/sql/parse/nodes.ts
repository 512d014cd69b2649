/** Reading of the parser's nodes: each is an object with one member, whose name is its kind. Pure. */
import type { Node } from '@pgsql/types';

type KeysOf<T> = T extends unknown ? keyof T : never;
export type NodeKind = KeysOf<Node>;
export type NodeBody<K extends NodeKind> = Extract<Node, Record<K, unknown>>[K &
  keyof Extract<Node, Record<K, unknown>>];

export const kindOf = (node: Node): NodeKind => Object.keys(node)[0] as NodeKind;

/** The body of a node if it is of this kind. */
export function bodyOf<K extends NodeKind>(node: Node | undefined, kind: K): NodeBody<K> | undefined {
  if (node === undefined) return undefined;
  return (node as unknown as Record<string, NodeBody<K> | undefined>)[kind];
}

/** The text of a String node; undefined for other kinds. An empty string is left out by the parser. */
export function stringOf(node: Node | undefined): string | undefined {
  const body = bodyOf(node, 'String');
  return body === undefined ? undefined : (body.sval ?? '');
}

/** Texts of a list of String nodes. */
export const stringsOf = (nodes: readonly Node[] | undefined): string[] =>
  (nodes ?? []).map((node) => stringOf(node) ?? '');

/** Byte offset of a node's characteristic token, or of the first node inside of it that has one. */
export function locationOf(node: Node | undefined): number | undefined {
  if (node === undefined) return undefined;
  const body = Object.values(node)[0] as { location?: number } | undefined;
  if (body === undefined || typeof body !== 'object') return undefined;
  if (body.location !== undefined && body.location >= 0) return body.location;
  return locationsIn(body).first;
}

/** First and last location of the nodes in a tree; undefined when none has one. Location 0 is left out by the parser. */
export function locationsIn(tree: unknown): { readonly first?: number; readonly last?: number } {
  let first: number | undefined;
  let last: number | undefined;
  const pending: unknown[] = [tree];
  while (pending.length > 0) {
    const item = pending.pop();
    if (typeof item !== 'object' || item === null) continue;
    for (const [key, value] of Object.entries(item)) {
      if (key === 'location' && typeof value === 'number') {
        if (value < 0) continue;
        first = first === undefined ? value : Math.min(first, value);
        last = last === undefined ? value : Math.max(last, value);
      } else if (typeof value === 'object') pending.push(value);
    }
  }
  return { first, last };
}
