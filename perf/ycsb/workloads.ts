/**
 * The six core workloads of YCSB (Cooper et al., "Benchmarking Cloud Serving Systems with YCSB", SoCC 2010), with the
 * proportions and distributions of its workloads/ folder. Plain data.
 */

export const OPERATIONS = ['read', 'update', 'insert', 'scan', 'readModifyWrite'] as const;
export type Operation = (typeof OPERATIONS)[number];

export const OPERATION_TITLES: Readonly<Record<Operation, string>> = {
  read: 'read',
  update: 'update',
  insert: 'insert',
  scan: 'scan',
  readModifyWrite: 'read-modify-write',
};

export interface Workload {
  readonly title: string;
  /** Shares of the operations; they add up to 1. */
  readonly mix: Partial<Readonly<Record<Operation, number>>>;
  /** Which records are asked for: a few favourites all over the key space, or those inserted last. */
  readonly requests: 'zipfian' | 'latest';
}

export const WORKLOADS = {
  A: { title: 'update heavy', mix: { read: 0.5, update: 0.5 }, requests: 'zipfian' },
  B: { title: 'read mostly', mix: { read: 0.95, update: 0.05 }, requests: 'zipfian' },
  C: { title: 'read only', mix: { read: 1 }, requests: 'zipfian' },
  D: { title: 'read latest', mix: { read: 0.95, insert: 0.05 }, requests: 'latest' },
  E: { title: 'short ranges', mix: { scan: 0.95, insert: 0.05 }, requests: 'zipfian' },
  F: { title: 'read-modify-write', mix: { read: 0.5, readModifyWrite: 0.5 }, requests: 'zipfian' },
  /** Not of YCSB: what goes on beside the write-pause probe. */
  updates: { title: 'updates only', mix: { update: 1 }, requests: 'zipfian' },
} as const satisfies Readonly<Record<string, Workload>>;

export type WorkloadName = keyof typeof WORKLOADS;

/** In the order that YCSB recommends: those that add records come last. */
export const CORE_WORKLOADS = ['A', 'B', 'C', 'F', 'D', 'E'] as const satisfies readonly WorkloadName[];
export type CoreWorkload = (typeof CORE_WORKLOADS)[number];

/** Scans ask for 1 to this many records, uniformly. */
export const SCAN_RECORDS_MAX = 100;

export function workloadOf(name: WorkloadName): Workload {
  return WORKLOADS[name];
}
