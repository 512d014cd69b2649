/** Expressions that give something else than in PostgreSQL, on purpose. docs/sql.md names the rules behind them. */
export const KNOWN_DIFFERENCES: ReadonlySet<string> = new Set([
  // There is a function of no arguments here.
  'concat()',
  // The pattern is checked as a whole, not as far as it is needed.
  "'abc' LIKE 'abc\\'",
  // Kinds of JSON that do not compare give NULL; only ORDER BY has an order of all kinds.
  "'{}'::jsonb > '[]'::jsonb",
]);
