/**
 * What an embedded storage engine must do to be measured here. One directory, one process, one thread that calls;
 * engines may have threads of their own. Writes have the durability that LumaDB calls `os`: they survive the end of the
 * process, not that of the machine.
 */

export interface Entry {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
}

/** The same for all engines, as far as an engine has such a thing. */
export interface StoreSettings {
  /** Cache of blocks, in bytes, besides the system's page cache. */
  readonly cacheBytes: number;
  /** Write buffer (memtable) of engines that are told to use a larger one than their default, in bytes. */
  readonly writeBufferBytes: number;
}

export interface EmbeddedStore {
  /** Version and every setting that is not the engine's default: goes into the record. */
  readonly description: string;
  /** Creates what is not there. */
  open(directory: string): Promise<void>;
  /** Writes a batch as one unit. The entries' bytes are used again once it has resolved. */
  load(batch: readonly Entry[]): Promise<void>;
  /** Hands over to the background what would otherwise stay in memory, where an engine can be told to. */
  flush?(): Promise<void>;
  /** Merges everything into its final form, where an engine can be told to. */
  compact?(): Promise<void>;
  /** The bytes may be overwritten by the next call. */
  get(key: Uint8Array): Uint8Array | undefined;
  /** Every entry in key order. Bytes are valid during the call only. */
  scan(onEntry: (key: Uint8Array, value: Uint8Array) => void): Promise<void>;
  /** What the engine tells about its own flushes and compactions, as text for the record. */
  compactionFigures?(): string;
  close(): Promise<void>;
}
