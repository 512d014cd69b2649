/** Keys of hash tables over rows: equal exactly when GROUP BY takes the values for equal. Pure. */
import { type HashKey, hashKey, hashValue } from '../types/compare.js';
import { valueBytes } from '../types/value-bytes.js';
import type { Row } from '../types/values.js';

export type RowKey = HashKey;

/** What a key holds beside the values that it is of: one text is its own key. */
export const keyBytes = (key: RowKey, values: Row): number =>
  values.length === 1 && key === values[0] ? 0 : valueBytes(key);

export const keyOfValue = hashValue;
export const keyOfValues = hashKey;
