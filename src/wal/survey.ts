/**
 * What is in a WAL directory, by names and segment headers alone: the first step of recovery. Reads no record and
 * decides nothing; recovery.ts judges the findings.
 */
import type { SegmentNumber, ShardId } from '../base/brand.js';
import type { Vfs } from '../vfs/vfs.js';
import { decodeSegmentHeader, SEGMENT_HEADER_BYTES, type SegmentHeader } from './format.js';
import { classifyName } from './segment-names.js';

export interface SurveyedSegment {
  readonly number: SegmentNumber;
  readonly path: string;
  readonly sizeBytes: number;
  /** Absent if it cannot be trusted; `problem` says why, except for a blank one. */
  readonly header: SegmentHeader | undefined;
  readonly blank: boolean;
  readonly problem: string | undefined;
  /** A good header, but of another shard or another segment: nothing inside is ours. */
  readonly foreign: boolean;
}

export interface WalSurvey {
  /** By number. */
  readonly segments: readonly SurveyedSegment[];
  /** The highest number that any file of the directory has or had as a segment, 0 if none. */
  readonly highestNumber: number;
  /** Names that are not ours. They are left alone. */
  readonly unknownFiles: readonly string[];
}

export function surveyWal(vfs: Vfs, directory: string, shard: ShardId): WalSurvey {
  const segments: SurveyedSegment[] = [];
  const unknownFiles: string[] = [];
  let highestNumber = 0;
  for (const name of vfs.exists(directory) ? vfs.list(directory) : []) {
    const classified = classifyName(name);
    switch (classified.kind) {
      case 'segment':
        segments.push(surveySegment(vfs, `${directory}/${name}`, classified.number, shard));
        highestNumber = Math.max(highestNumber, classified.number);
        break;
      case 'recycled':
        highestNumber = Math.max(highestNumber, classified.number);
        break;
      case 'unknown':
        unknownFiles.push(name);
        break;
      case 'spare':
      case 'temporary':
        break;
    }
  }
  return { segments, highestNumber, unknownFiles };
}

function surveySegment(vfs: Vfs, path: string, number: SegmentNumber, shard: ShardId): SurveyedSegment {
  const file = vfs.open(path, 'read');
  try {
    const sizeBytes = file.size();
    const bytes = new Uint8Array(SEGMENT_HEADER_BYTES);
    const count = file.pread(bytes, 0, bytes.length, 0);
    const decoded = decodeSegmentHeader(bytes.subarray(0, count));
    const base = {
      number,
      path,
      sizeBytes,
      header: undefined,
      blank: false,
      problem: undefined,
      foreign: false,
    };
    if (decoded.kind === 'blank') return { ...base, blank: true };
    if (decoded.kind === 'damaged') return { ...base, problem: decoded.reason };
    const problem = misplaced(decoded.header, number, shard);
    return problem === undefined ? { ...base, header: decoded.header } : { ...base, problem, foreign: true };
  } finally {
    file.close();
  }
}

/** A whole header in the wrong place: somebody copied or renamed files. */
function misplaced(header: SegmentHeader, number: SegmentNumber, shard: ShardId): string | undefined {
  if (header.shard !== shard) return `belongs to shard ${header.shard}, not to shard ${shard}`;
  if (header.number !== number) return `is a duplicate of segment ${header.number} under another name`;
  return undefined;
}
