/**
 * What a role may do: patterns `action:resource`, as rbac.yaml has them. A resource is the name of a collection for read and
 * write, and an area of the server for the others; `*` stands for any text in it. Pure.
 */
import { DbError } from '../base/errors.js';

/**
 * read, write: of a collection (write creates and drops it as well). execute: `queries`. monitor: status, metrics, cluster.
 * admin: users, config, storage, queries, cluster, read-only, shutdown, diagnostics.
 */
export const ACTIONS = ['read', 'write', 'execute', 'monitor', 'admin'] as const;
export type Action = (typeof ACTIONS)[number];

/** Longest pattern, and most of them in one role. */
export const PATTERN_LENGTH_MAX = 300;
export const PATTERNS_MAX = 1000;
/** Answers kept per set: names come from requests. */
const ANSWERS_MAX = 10_000;

interface Pattern {
  readonly action: Action | '*';
  readonly resource: string;
}

/** Throws DbError VALIDATION that says what a pattern looks like. */
function parsePattern(text: string): Pattern {
  if (text === '*') return { action: '*', resource: '*' };
  const [action, ...rest] = text.split(':');
  const resource = rest.join(':');
  const isKnown = action === '*' || (ACTIONS as readonly string[]).includes(action);
  if (isKnown && resource !== '' && text.length <= PATTERN_LENGTH_MAX)
    return { action: action as Pattern['action'], resource };
  throw new DbError(
    'VALIDATION',
    `permission ${JSON.stringify(text.slice(0, PATTERN_LENGTH_MAX))} is not "*" or "action:resource" with an action of ${ACTIONS.join(', ')}`,
    { field: 'permissions' },
  );
}

/** Whether a text is as a pattern says, in which each `*` stands for any text. */
function matches(pattern: string, text: string): boolean {
  const parts = pattern.split('*');
  if (parts.length === 1) return pattern === text;
  const first = parts[0];
  const last = parts[parts.length - 1];
  if (!text.startsWith(first)) return false;
  let at = first.length;
  for (const part of parts.slice(1, -1)) {
    const found = text.indexOf(part, at);
    if (found < 0) return false;
    at = found + part.length;
  }
  return text.length - last.length >= at && text.endsWith(last);
}

export class PermissionSet {
  private readonly patterns: readonly Pattern[];
  /** By action, then by resource. */
  private readonly answers = new Map<Action, Map<string, boolean>>();
  private readonly isEverything: boolean;

  /** Throws DbError VALIDATION. */
  constructor(readonly texts: readonly string[]) {
    if (texts.length > PATTERNS_MAX)
      throw new DbError('VALIDATION', `more than ${PATTERNS_MAX} permissions`, { field: 'permissions' });
    this.patterns = texts.map(parsePattern);
    this.isEverything = this.patterns.some(({ action, resource }) => action === '*' && resource === '*');
    for (const action of ACTIONS) this.answers.set(action, new Map());
  }

  allows(action: Action, resource: string): boolean {
    if (this.isEverything) return true;
    const answers = this.answers.get(action) as Map<string, boolean>; // the constructor made one for each
    const known = answers.get(resource);
    if (known !== undefined) return known;
    const answer = this.patterns.some(
      (pattern) =>
        (pattern.action === '*' || pattern.action === action) && matches(pattern.resource, resource),
    );
    if (answers.size >= ANSWERS_MAX) answers.clear();
    answers.set(resource, answer);
    return answer;
  }
}
