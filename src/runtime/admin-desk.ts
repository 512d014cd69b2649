/**
 * Answers what operators ask through /admin and /cluster, but for users (security-control.ts), whoever knows the answer, and writes down what changes
 * something. Main thread only.
 */
import { clusterHealthReport, clusterStatusReport, replicationReport } from '../admin/cluster-reports.js';
import type { Report, ServerFacts } from '../admin/reports.js';
import { DbError, toWireError } from '../base/errors.js';
import type { AdminCall } from '../front/admin-call.js';
import { json } from '../front/control-answer.js';
import type { Actor, ControlAnswer, ControlResult } from '../front/control-plane.js';
import { auditedCall, changesIn, isReport } from './admin-audit.js';
import type { ConfigControl } from './config-control.js';
import { Diagnostics, type DiagnosticsOptions } from './diagnostics/diagnostics.js';
import type { QueryControl } from './query/query-control.js';
import type { ServerLogs } from './server-logs.js';
import type { StorageControl } from './storage-control.js';

export interface AdminDeskOptions extends Omit<DiagnosticsOptions, 'queryThreads'> {
  readonly logs: Pick<ServerLogs, 'audit' | 'forRequest'>;
  readonly queries: QueryControl;
  readonly configuration: ConfigControl;
  readonly storage: StorageControl;
  readonly facts: () => ServerFacts;
}

const CLUSTER_REPORTS = {
  health: clusterHealthReport,
  status: clusterStatusReport,
  replication: replicationReport,
} as const;

export class AdminDesk {
  private readonly diagnostics: Diagnostics;

  constructor(private readonly options: AdminDeskOptions) {
    this.diagnostics = new Diagnostics({ ...options, queryThreads: () => options.queries.threads });
  }

  answer(call: AdminCall, actor: Actor): Promise<ControlResult<ControlAnswer>> {
    const work = (): Promise<ControlAnswer> => this.dispatch(call);
    return isReport(call) ? attempt(work) : this.audited(call.kind, actor, work, auditedCall(call));
  }

  /** Does it and writes down that it was done, or why not. `by`: undefined for what nobody asked for. */
  async audited<T>(
    action: string,
    by: Actor | undefined,
    work: () => Promise<T>,
    details: { readonly target?: string; readonly before?: unknown; readonly after?: unknown },
  ): Promise<ControlResult<T>> {
    const { logs } = this.options;
    const result = await logs.forRequest(by?.requestId, () => attempt(work));
    const done = result.error === undefined ? changesIn(result.ok) : {};
    if (by !== undefined) logs.audit.write({ action, by, ...details, ...done, error: result.error?.message });
    return result;
  }

  private async dispatch(call: AdminCall): Promise<ControlAnswer> {
    const { queries, configuration, storage, facts } = this.options;
    switch (call.kind) {
      case 'queries':
      case 'cancel-query':
        return queries.answer(call);
      case 'config':
        return configuration.report();
      case 'change-config':
        return configuration.change(call.changes);
      case 'cluster':
        return answerOf(CLUSTER_REPORTS[call.report](facts()));
      case 'diagnostics':
        return this.diagnostics.report();
      case 'transfer-leadership':
        throw new DbError('CONFLICT', noTransfer(call.targetNode, facts().nodeId));
      default:
        return storage.answer(call);
    }
  }
}

function noTransfer(target: string, self: string): string {
  return target === self
    ? `${self} leads already: it is the only node`
    : `there is no node ${target} to lead: this database has one node, ${self}`;
}

export function answerOf({ httpStatus, body }: Report): ControlAnswer {
  return json(httpStatus, body);
}

/** A DbError is an answer; anything else is a fault of ours. */
export async function attempt<T>(work: () => Promise<T>): Promise<ControlResult<T>> {
  try {
    return { ok: await work() };
  } catch (error) {
    if (error instanceof DbError) return { error: toWireError(error) };
    throw error;
  }
}
