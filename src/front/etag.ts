/** ETags are seqnos in quotes. */
import type { WireError } from '../base/errors.js';
import { ConditionKind } from '../generated/lumadb/schema/condition-kind.js';

export const etagOf = (seqno: number): string => `"${seqno}"`;

/** The condition of a write, from its If-Match and If-None-Match headers. */
export interface WriteCondition {
  readonly kind: ConditionKind;
  readonly expectedSeqno: number;
}

export const UNCONDITIONAL: WriteCondition = { kind: ConditionKind.None, expectedSeqno: 0 };
const IF_ABSENT: WriteCondition = { kind: ConditionKind.IfAbsent, expectedSeqno: 0 };
const IF_PRESENT: WriteCondition = { kind: ConditionKind.IfPresent, expectedSeqno: 0 };

const ETAG = /^"([0-9]{1,16})"$/;

/** Seqno of an ETag, or undefined when it is not one of ours. */
export function parseEtag(text: string): number | undefined {
  const match = ETAG.exec(text);
  const seqno = match === null ? Number.NaN : Number(match[1]);
  return Number.isSafeInteger(seqno) ? seqno : undefined;
}

/** Empty strings mean that the header is not there. Returns the condition, or what is wrong with the headers. */
export function parseCondition(ifMatch: string, ifNoneMatch: string): WriteCondition | WireError {
  if (ifMatch === '' && ifNoneMatch === '') return UNCONDITIONAL;
  if (ifMatch !== '' && ifNoneMatch !== '') {
    return { code: 'VALIDATION', message: 'If-Match and If-None-Match cannot be used together on a write' };
  }
  if (ifNoneMatch !== '') {
    if (ifNoneMatch === '*') return IF_ABSENT;
    return {
      code: 'VALIDATION',
      message: 'If-None-Match on a write must be *',
      details: { field: 'If-None-Match' },
    };
  }
  if (ifMatch === '*') return IF_PRESENT;
  const seqno = parseEtag(ifMatch);
  if (seqno === undefined) {
    const message = 'If-Match must be * or one ETag as a response gave it, such as "42" with its quotes';
    return { code: 'VALIDATION', message, details: { field: 'If-Match' } };
  }
  return { kind: ConditionKind.IfMatchSeqno, expectedSeqno: seqno };
}

/** True when a read with this If-None-Match header may be answered 304. */
export function matchesEtag(ifNoneMatch: string, seqno: number): boolean {
  return (
    ifNoneMatch === '*' ||
    ifNoneMatch.split(',').some((part) => parseEtag(part.trim().replace(/^W\//, '')) === seqno)
  );
}
