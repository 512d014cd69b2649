/** Limits of a statement's meaning. Hitting one is an error that names it. */

/** Deepest nesting of expressions and of queries, counted together. */
export const NESTING_DEPTH_MAX = 256;
/** Longest path of names, `a.b.c`: no document is nested deeper. */
export const PATH_LENGTH_MAX = 256;
/** Highest $n. */
export const PARAMETERS_MAX = 65_535;
/** Sets that ROLLUP, CUBE and GROUPING SETS may multiply to. */
export const GROUPING_SETS_MAX = 4096;
/** Output columns of a query. */
export const OUTPUT_COLUMNS_MAX = 1664;
/** Items of FROM and relations of joins in one query. */
export const RELATIONS_MAX = 64;
/**
 * Nodes of all expressions of a statement, those that several share counted once for each. A text of so many bytes more may
 * have two more for each of them: what is written out, as in long lists, is as long as it is; what multiplies is stopped.
 */
export const EXPRESSION_NODES_MAX = 50_000;
export const EXPRESSION_NODES_PER_BYTE = 2;
