/** Which system tables a statement reads. Pure. */
import type { LogicalPlan } from '../algebra/logical.js';

/** Plans are plain data, with further plans inside of expressions: everything is looked at. */
export function systemTablesRead(plan: LogicalPlan): string[] {
  const found = new Set<string>();
  const visit = (value: unknown): void => {
    if (typeof value !== 'object' || value === null) return;
    const node = value as Readonly<Record<string, unknown>>;
    if (node['kind'] === 'systemScan') found.add(String(node['table']));
    for (const child of Object.values(node)) visit(child);
  };
  visit(plan);
  return [...found];
}
