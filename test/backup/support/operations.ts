/** Random operations of every kind, as clients mix them. */
import { EXPIRES_KEPT, EXPIRES_NEVER, EXPIRES_UNSET } from '../../../src/base/expiry.js';
import type { Prng } from '../../../src/base/prng.js';
import { ConditionKind } from '../../../src/generated/lumadb/schema/condition-kind.js';
import {
  expire,
  type Operation,
  type OperationExtras,
  operationId,
  patch,
  put,
  remove,
} from '../../support/batches.js';
import { oneIn, pick } from '../../support/random.js';

/** Database time of all batches. */
export const WRITTEN_AT = 5000;

/** `seqnoMax`: conditions and sweeps name versions up to it. */
export function randomOperation(prng: Prng, key: string, collection: number, seqnoMax: number): Operation {
  const condition = oneIn(prng, 3)
    ? pick(prng, [ConditionKind.IfAbsent, ConditionKind.IfPresent, ConditionKind.IfMatchSeqno])
    : ConditionKind.None;
  const extras: OperationExtras = {
    collection,
    condition,
    expectedSeqno: condition === ConditionKind.IfMatchSeqno ? prng.nextBelow(seqnoMax + 1) : 0,
    // Few of them, so that some come again: with the same request and with another.
    operationId: oneIn(prng, 4) ? operationId(1 + prng.nextBelow(8), 1 + prng.nextBelow(2)) : undefined,
  };
  const n = prng.nextBelow(1000);
  const text = `{"_id":"${key}","n":${n},"pad":"${'x'.repeat(prng.nextBelow(80))}"}`;
  const expiresAt = pick(prng, [
    EXPIRES_UNSET,
    EXPIRES_UNSET,
    EXPIRES_NEVER,
    WRITTEN_AT - 1,
    WRITTEN_AT + 50,
  ]);
  switch (prng.nextBelow(7)) {
    case 0:
    case 1:
      return remove(key, extras);
    case 2:
      return patch(key, `{"p${n % 3}":${n}}`, { ...extras, expiresAt });
    case 3:
      return { ...expire(key, prng.nextBelow(seqnoMax + 1)), collection };
    case 4:
      return put(key, text, { ...extras, expiresAt: EXPIRES_KEPT });
    default:
      return put(key, text, { ...extras, expiresAt });
  }
}
