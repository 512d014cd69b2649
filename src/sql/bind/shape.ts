/** Structural equality of bound expressions: equal ones have the same text. Pure. */

import { structureText } from '../types/structure-text.js';

export const shapeOf = (expression: unknown): string => structureText(expression);
