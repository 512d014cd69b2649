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
