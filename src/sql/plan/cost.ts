/**
 * What things cost, in PostgreSQL's unit: one page of 8 KiB read in sequence. Fitted to an LSM whose blocks are mostly in
 * the cache: reading a document by its key is a search in a few blocks, not a movement of a disk's head, and costs about as
 * much as passing over a dozen of them in a scan. Pure.
 */
import type { Estimate } from '../algebra/physical.js';

export const PAGE_BYTES = 8192;
export const SEQ_PAGE_COST = 1;
export const CPU_TUPLE_COST = 0.01;
export const CPU_INDEX_TUPLE_COST = 0.005;
export const CPU_OPERATOR_COST = 0.0025;
/** Finding the place of a key in every level, once per range and shard. */
export const SEEK_COST = 0.25;
/** One document by its key. */
export const LOOKUP_COST = 0.35;
/** Merging the shards of an ordered scan, per row. */
export const MERGE_ROW_COST = 0.002;
export const PARALLEL_SETUP_COST = 100;
export const PARALLEL_TUPLE_COST = 0.05;
/** A row that goes to a temporary file and comes back, per byte. */
export const SPILL_BYTE_COST = 2 / PAGE_BYTES;
/** What a hash table or a sort holds of a row beyond its values. */
export const ROW_OVERHEAD_BYTES = 48;

/** Without statistics. */
export const DEFAULT_DOCUMENTS = 1000;
export const DEFAULT_DOCUMENT_BYTES = 128;
export const DEFAULT_DISTINCT = 200;

export function estimate(startupCost: number, totalCost: number, rows: number, width: number): Estimate {
  return {
    startupCost,
    totalCost: Math.max(totalCost, startupCost),
    rows: Math.max(1, Math.round(rows)),
    width: Math.max(0, Math.round(width)),
  };
}

/** Cost of the first `rows` rows only; undefined: of all. */
export function costOfRows({ startupCost, totalCost, rows }: Estimate, wanted: number | undefined): number {
  if (wanted === undefined || wanted >= rows) return totalCost;
  return startupCost + (totalCost - startupCost) * (wanted / rows);
}

/** Comparing rows until they are in order. `kept`: only so many are held, in a heap. */
export function sortCost(rows: number, width: number, budgetBytes: number, kept?: number): number {
  const held = Math.min(rows, kept ?? rows);
  const comparisons = rows * Math.log2(Math.max(2, held)) * 2 * CPU_OPERATOR_COST;
  return comparisons + spillCost(held, width, budgetBytes);
}

export function spillCost(rows: number, width: number, budgetBytes: number): number {
  const bytes = rows * (width + ROW_OVERHEAD_BYTES);
  return bytes > budgetBytes ? bytes * SPILL_BYTE_COST : 0;
}
