/**
 * What the objects of a WAL stream are called, and what a name says. All of one instance lie in a folder of its id:
 * `shard-0000/<after>-<through>.log` for each piece, `catalog/<seqno>-<number>-<time>.json` for a catalog that came after that
 * seqno and before the next one, `head.json` for how far all shards have come. Numbers have 16 digits, so that names sort like them. Pure.
 */
import { shardName } from '../../tools/shard-place.js';

export const STREAM_HEAD = 'head.json';
export const STREAM_CATALOGS = 'catalog/';
const DIGITS = 16;

export interface PieceName {
  readonly after: number;
  readonly through: number;
}

export interface CatalogName {
  /** The last one that was taken before this catalog came. */
  readonly seqno: number;
  /** In the order in which they came, from 1. */
  readonly number: number;
  /** When it came, ms since 1970. */
  readonly wallClockMs: number;
}

const padded = (value: number): string => String(value).padStart(DIGITS, '0');

export function pieceFolder(shard: number): string {
  return `${shardName(shard)}/`;
}

export function pieceName(shard: number, { after, through }: PieceName): string {
  return `${pieceFolder(shard)}${padded(after)}-${padded(through)}.log`;
}

/** Undefined for what is no piece of this shard. */
export function parsePieceName(shard: number, name: string): PieceName | undefined {
  const match = /^(\d{16})-(\d{16})\.log$/.exec(afterPrefix(name, pieceFolder(shard)));
  if (match === null) return undefined;
  const [after, through] = [Number(match[1]), Number(match[2])];
  return after <= through && Number.isSafeInteger(through) ? { after, through } : undefined;
}

export function catalogName({ seqno, number, wallClockMs }: CatalogName): string {
  return `${STREAM_CATALOGS}${padded(seqno)}-${padded(number)}-${padded(wallClockMs)}.json`;
}

export function parseCatalogName(name: string): CatalogName | undefined {
  const match = /^(\d{16})-(\d{16})-(\d{16})\.json$/.exec(afterPrefix(name, STREAM_CATALOGS));
  if (match === null) return undefined;
  const [seqno, number, wallClockMs] = match.slice(1).map(Number);
  return [seqno, number, wallClockMs].every(Number.isSafeInteger)
    ? { seqno, number, wallClockMs }
    : undefined;
}

function afterPrefix(name: string, prefix: string): string {
  return name.startsWith(prefix) ? name.slice(prefix.length) : '';
}
