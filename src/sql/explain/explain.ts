/** EXPLAIN as text, in PostgreSQL's form line by line, and as JSON with its keys. Pure. */
import type { PreparedQuery } from '../algebra/physical.js';
import type { ExplainOptions } from '../algebra/statement.js';
import type { NodeCounters, QueryCounters } from './counters.js';
import type { ExplainNode, ExplainProperty, NamedPlan } from './node.js';
import { explainTree } from './tree.js';

/** With counters the statement has run: EXPLAIN ANALYZE. */
export function explainText(
  prepared: PreparedQuery,
  counters: QueryCounters | undefined,
  options: ExplainOptions,
): string[] {
  const lines: string[] = [];
  writeNode(explainTree(prepared, counters, options), 0, '', options, counters !== undefined, lines);
  if (counters !== undefined && options.summary) {
    lines.push(`Planning Time: ${millis(counters.planningMicros)} ms`);
    if (options.analyze) lines.push(`Execution Time: ${millis(counters.executionMicros)} ms`);
  }
  return lines;
}

const millis = (micros: number): string => (micros / 1000).toFixed(3);

function writeNode(
  node: ExplainNode,
  column: number,
  arrow: string,
  options: ExplainOptions,
  isAnalyzed: boolean,
  lines: string[],
): void {
  const start = ' '.repeat(column);
  lines.push(`${start}${arrow}${node.title}${costs(node, options)}${actual(node, options, isAnalyzed)}`);
  const inside = column + arrow.length + 2;
  for (const property of node.properties) {
    const text = propertyText(property);
    if (text !== undefined) lines.push(`${' '.repeat(inside)}${text}`);
  }
  const writeNamed = ({ name, node: named }: NamedPlan): void => {
    lines.push(`${' '.repeat(inside)}${name}`);
    writeNode(named, inside + 2, '->  ', options, isAnalyzed, lines);
  };
  for (const named of node.before) writeNamed(named);
  for (const input of node.inputs) writeNode(input, inside, '->  ', options, isAnalyzed, lines);
  for (const named of node.after) writeNamed(named);
}

function costs({ estimate }: ExplainNode, options: ExplainOptions): string {
  if (!options.costs) return '';
  const { startupCost, totalCost, rows, width } = estimate;
  return `  (cost=${startupCost.toFixed(2)}..${totalCost.toFixed(2)} rows=${Math.round(rows)} width=${Math.round(width)})`;
}

function actual({ counters }: ExplainNode, options: ExplainOptions, isAnalyzed: boolean): string {
  if (!isAnalyzed || !options.analyze) return '';
  if (counters === undefined || counters.loops === 0) return ' (never executed)';
  const { loops } = counters;
  const rows = Math.round(counters.rows / loops);
  const time = `time=${millis(counters.startupMicros / loops)}..${millis(counters.totalMicros / loops)} `;
  return ` (actual ${options.timing ? time : ''}rows=${rows} loops=${loops})`;
}

function propertyText({ label, value, text }: ExplainProperty): string | undefined {
  if (text === null) return undefined;
  if (text !== undefined) return text;
  return `${label}: ${Array.isArray(value) ? value.join(', ') : String(value)}`;
}

export interface ExplainDocument {
  readonly Plan: Readonly<Record<string, unknown>>;
  readonly 'Planning Time'?: number;
  readonly 'Execution Time'?: number;
}

/** A list of one document, as PostgreSQL has it; ready for JSON.stringify. */
export function explainJson(
  prepared: PreparedQuery,
  counters: QueryCounters | undefined,
  options: ExplainOptions,
): readonly ExplainDocument[] {
  const tree = explainTree(prepared, counters, options);
  const plan = jsonNode(tree, undefined, undefined, options, counters !== undefined);
  if (counters === undefined || !options.summary) return [{ Plan: plan }];
  const times = { 'Planning Time': number(counters.planningMicros) };
  if (!options.analyze) return [{ Plan: plan, ...times }];
  return [{ Plan: plan, ...times, 'Execution Time': number(counters.executionMicros) }];
}

const number = (micros: number): number => Math.round(micros) / 1000;

function jsonNode(
  node: ExplainNode,
  relationship: string | undefined,
  name: string | undefined,
  options: ExplainOptions,
  isAnalyzed: boolean,
): Record<string, unknown> {
  const { estimate } = node;
  const json: Record<string, unknown> = { ...node.head };
  if (relationship !== undefined) json['Parent Relationship'] = relationship;
  if (name !== undefined) json['Subplan Name'] = name;
  if (options.costs) {
    json['Startup Cost'] = cents(estimate.startupCost);
    json['Total Cost'] = cents(estimate.totalCost);
    json['Plan Rows'] = Math.round(estimate.rows);
    json['Plan Width'] = Math.round(estimate.width);
  }
  if (isAnalyzed && options.analyze) Object.assign(json, jsonActual(node.counters, options));
  for (const { label, value } of node.properties) {
    if (value !== undefined) json[label] = value;
  }
  const plans = [
    ...node.before.map((named) => jsonNode(named.node, named.relationship, named.name, options, isAnalyzed)),
    ...node.inputs.map((input, place) =>
      jsonNode(input, relationshipOf(node, place), undefined, options, isAnalyzed),
    ),
    ...node.after.map((named) => jsonNode(named.node, named.relationship, named.name, options, isAnalyzed)),
  ];
  if (plans.length > 0) json['Plans'] = plans;
  return json;
}

const cents = (cost: number): number => Math.round(cost * 100) / 100;

function jsonActual(counters: NodeCounters | undefined, options: ExplainOptions): Record<string, number> {
  const loops = counters?.loops ?? 0;
  const mean = (sum: number | undefined): number => (sum ?? 0) / Math.max(1, loops);
  const times = {
    'Actual Startup Time': number(mean(counters?.startupMicros)),
    'Actual Total Time': number(mean(counters?.totalMicros)),
  };
  return {
    ...(options.timing ? times : {}),
    'Actual Rows': Math.round(mean(counters?.rows)),
    'Actual Loops': loops,
  };
}

function relationshipOf(node: ExplainNode, place: number): string {
  if (node.title === 'Append') return 'Member';
  return place === 0 ? 'Outer' : 'Inner';
}
