/**
 * What can be saved of a damaged table, and what is lost with it: entries in order, and for each unreadable range the
 * keys between which it lies. Reads only; what happens to the entries is the caller's.
 */
import { compareBytes, type Entry } from '../iter/entry-cursor.js';
import { compareBoundToKey } from '../manifest/key-order.js';
import type { KeyBound, TableInfo } from '../manifest/table-info.js';
import { salvageTable } from '../sst/table-salvage.js';
import { tablePath } from './check-table.js';
import type { ShardPlace } from './shard-place.js';

/** A range of a file that is lost. Other versions of its keys, older or newer, may be in other tables. */
export interface Loss {
  readonly file: string;
  readonly offset: number;
  /** In the file, as it is stored. */
  readonly bytes: number;
  readonly reason: string;
  /** Lost entries have keys from here on, this one included; undefined if nothing tells. */
  readonly from: KeyBound | undefined;
  /** And up to here: older versions of this key may be among them. */
  readonly to: KeyBound | undefined;
}

export interface SalvagedTable {
  readonly entries: number;
  readonly losses: readonly Loss[];
  /** Entries that are whole but cannot be where they are: out of order, or outside the table's keys. */
  readonly misplaced: number;
  /** Damage to index, filter, properties or footer: no entry is lost by it. */
  readonly harmlessDamage: number;
}

type OpenLoss = { -readonly [Key in keyof Loss]: Loss[Key] };

/** `info`: what the manifest says of the table, if there is one. Throws DbError('IO') if the file cannot be opened. */
export function salvage(
  place: ShardPlace,
  fileNumber: number,
  info: TableInfo | undefined,
  onEntry: (entry: Entry) => void,
): SalvagedTable {
  const path = tablePath(place, fileNumber);
  const order = new OrderGuard(info);
  const losses: OpenLoss[] = [];
  let open: OpenLoss[] = [];
  let harmlessDamage = 0;
  const report = salvageTable({
    vfs: place.vfs,
    path,
    fileNumber,
    onEntry: (entry) => {
      if (!order.accepts(entry)) return;
      if (open.length > 0) {
        const to = order.lastKey();
        for (const loss of open) loss.to = to;
        open = [];
      }
      onEntry(entry);
    },
    onDamage: ({ offset, length, reason, expected, got, mayHoldEntries }) => {
      if (!mayHoldEntries) {
        harmlessDamage++;
        return;
      }
      const text = `${reason} (expected ${expected}, got ${got})`;
      const from = order.lastKey() ?? info?.smallest;
      const loss = { file: path, offset, bytes: length, reason: text, from, to: info?.largest };
      losses.push(loss);
      open.push(loss);
    },
  });
  return { entries: report.entries - order.refused, losses, misplaced: order.refused, harmlessDamage };
}

/** Lets entries through that are strictly behind the one before and within the table's keys. */
class OrderGuard {
  private key = new Uint8Array(1024);
  private keyLength = -1;
  private collection = 0;
  private seqno = 0;
  refused = 0;

  constructor(private readonly info: TableInfo | undefined) {}

  accepts(entry: Entry): boolean {
    if (!this.isBehindLast(entry) || !this.isWithinTable(entry)) {
      this.refused++;
      return false;
    }
    const { collection, key, keyOffset, keyLength, seqno } = entry;
    if (keyLength > this.key.length) this.key = new Uint8Array(2 * keyLength);
    for (let i = 0; i < keyLength; i++) this.key[i] = key[keyOffset + i];
    this.keyLength = keyLength;
    this.collection = collection;
    this.seqno = seqno;
    return true;
  }

  /** A copy; undefined before the first entry. */
  lastKey(): KeyBound | undefined {
    if (this.keyLength < 0) return undefined;
    return { collection: this.collection, key: this.key.slice(0, this.keyLength) };
  }

  private isBehindLast({ collection, key, keyOffset, keyLength, seqno }: Entry): boolean {
    if (this.keyLength < 0) return true;
    if (collection !== this.collection) return collection > this.collection;
    const order = compareBytes(key, keyOffset, keyLength, this.key, 0, this.keyLength);
    return order === 0 ? seqno < this.seqno : order > 0;
  }

  private isWithinTable({ collection, key, keyOffset, keyLength }: Entry): boolean {
    const { info } = this;
    if (info === undefined) return true;
    return (
      compareBoundToKey(info.smallest, collection, key, keyOffset, keyLength) <= 0 &&
      compareBoundToKey(info.largest, collection, key, keyOffset, keyLength) >= 0
    );
  }
}
