/** Keys of hash tables over rows: equal exactly when GROUP BY takes the values for equal. Pure. */
import { type HashKey, hashKey, hashValue } from '../types/compare.js';

export type RowKey = HashKey;

export const keyOfValue = hashValue;
export const keyOfValues = hashKey;
