/** What /health, /status and /metrics say about disk space and read-only mode. Main thread only. */

export interface ReadOnlyFacts {
  readonly enabled: true;
  readonly reason: string;
  /** ISO 8601, wall clock. */
  readonly since: string;
  readonly by: string;
}

export interface DiskFacts {
  readonly freeBytes: number;
  readonly totalBytes: number;
  /** From 0 to 1. */
  readonly usedRatio: number;
}

export interface SpaceFacts {
  /** False while all writes are taken. */
  readonly readOnly: ReadOnlyFacts | false;
  /** Every cause there can be, and whether it holds. */
  readonly readOnlyCauses: ReadonlyArray<{ readonly cause: string; readonly holds: boolean }>;
  /** Undefined while the file system does not say. */
  readonly disk: DiskFacts | undefined;
  readonly reserve: { readonly status: string; readonly heldBytes: number };
}

/** Why storage is not healthy, or undefined. What an operator wanted is no illness. */
export function spaceProblem({ readOnly }: SpaceFacts): string | undefined {
  if (readOnly === false || readOnly.by === 'operator') return undefined;
  return `writes are refused: ${readOnly.reason}`;
}

/** The part of /status; read-only mode is in /health already. */
export function spaceStatus({ disk, reserve }: SpaceFacts): Record<string, unknown> {
  return {
    disk: {
      free_bytes: disk?.freeBytes ?? null,
      total_bytes: disk?.totalBytes ?? null,
      used_ratio: disk === undefined ? null : Math.round(disk.usedRatio * 10_000) / 10_000,
      reserve: reserve.status,
      reserve_bytes: reserve.heldBytes,
    },
  };
}
