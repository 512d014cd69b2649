/** Structural equality of bound expressions: equal ones have the same text. Pure. */

export const shapeOf = (expression: unknown): string =>
  JSON.stringify(expression, (_, value) => (typeof value === 'bigint' ? `${value}n` : value));
