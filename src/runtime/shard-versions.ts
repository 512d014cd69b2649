/**
 * The tables of every shard as the main thread sees them, for reports: read from the shards' boards, so that no shard is
 * asked. Main thread only.
 */
import { Version } from '../manifest/version.js';
import type { VersionBoard } from '../manifest/version-board.js';
import { VersionSubscriber } from '../manifest/version-subscriber.js';
import type { ShardSlot } from './shard-slot.js';

interface Seen {
  readonly board: VersionBoard;
  readonly subscriber: VersionSubscriber;
}

export class ShardVersions {
  private readonly seen = new Map<number, Seen>();

  /** What the shard published last, also when it has died since; empty before it has recovered. */
  current({ shard, incarnation }: Pick<ShardSlot, 'shard' | 'incarnation'>): {
    readonly version: Version;
    readonly number: number;
  } {
    if (incarnation === undefined) return { version: Version.empty(), number: 0 };
    const board = incarnation.buffers.versions;
    let seen = this.seen.get(shard);
    if (seen?.board !== board) {
      seen = { board, subscriber: new VersionSubscriber(board) };
      this.seen.set(shard, seen);
    }
    seen.subscriber.refresh();
    return { version: seen.subscriber.version, number: seen.subscriber.versionNumber };
  }
}
