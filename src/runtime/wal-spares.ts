/** Spare WAL segments that are kept ready for each shard. */
export const WAL_SPARES_MAX = 2;
