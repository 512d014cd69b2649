/**
 * Finds threads for gathers: a member runs only on a thread that is free, and leaves when a statement wants its thread. Knows
 * who helps whom, to tell a leader of the death of a member and members of the death of their leader. Main thread only.
 */
import type { FragmentTask, HelpRequest } from './fragment-messages.js';
import { FragmentTeam } from './fragment-team.js';

export interface FragmentHelpOptions {
  /** The statement while it runs, as its thread was given it. */
  readonly statement: (id: string) => Pick<FragmentTask, 'query' | 'statistics'> | undefined;
  /** Threads that have nothing to do. */
  readonly freeThreads: () => number;
  readonly start: (task: Omit<FragmentTask, 'shards'>) => Promise<unknown>;
}

export class FragmentHelp {
  /** By statement: the team of each member. */
  private readonly teams = new Map<string, FragmentTeam[]>();

  constructor(private readonly options: FragmentHelpOptions) {}

  give({ queryId, order, ports }: HelpRequest): void {
    const statement = this.options.statement(queryId);
    const team = new FragmentTeam(order.team);
    for (const [member, port] of ports.entries()) {
      if (statement === undefined || this.options.freeThreads() < 1) {
        team.withdraw(member);
        port.close();
        continue;
      }
      const { query, statistics } = statement;
      this.add(queryId, team);
      const done = this.options.start({ kind: 'fragment', query, statistics, order, member, port });
      // Whether it ended well or its thread died: who has left by itself is not missed.
      const ended = (): void => {
        team.bury(member);
        this.remove(queryId, team);
      };
      done.then(ended, ended);
    }
  }

  /** A statement waits for a thread. */
  makeRoom(): void {
    for (const teams of this.teams.values()) for (const team of teams) team.yieldThreads();
  }

  /** The leader is no more, however it ended. */
  stop(queryId: string): void {
    for (const team of this.teams.get(queryId) ?? []) team.stop();
  }

  private add(queryId: string, team: FragmentTeam): void {
    const teams = this.teams.get(queryId);
    if (teams === undefined) this.teams.set(queryId, [team]);
    else teams.push(team);
  }

  private remove(queryId: string, team: FragmentTeam): void {
    const teams = this.teams.get(queryId) ?? [];
    teams.splice(teams.indexOf(team), 1);
    if (teams.length === 0) this.teams.delete(queryId);
  }
}
