/** What LumaDB is to reach, judged: each ratio is taken within a round, then its median over the rounds counts. */
import { type IdleFigures, median, type Round } from './figures.js';

export interface Ratio {
  readonly name: string;
  readonly value: number;
  readonly min: number;
  readonly max: number;
  readonly unit: string;
  readonly goal: number;
  readonly isFloor: boolean;
  readonly isReached: boolean;
}

export interface Goal {
  readonly name: string;
  readonly unit: string;
  readonly goal: number;
  /** True: at least `goal`. False: less than `goal`. */
  readonly isFloor: boolean;
}

interface RoundGoal extends Goal {
  /** Undefined when the round did not measure what it takes. */
  of(round: Round): number | undefined;
}

interface IdleGoal extends Goal {
  of(idle: IdleFigures): number;
}

function quotient(a: { opsPerSecond: number } | undefined, b: typeof a): number | undefined {
  return a === undefined || b === undefined ? undefined : a.opsPerSecond / b.opsPerSecond;
}

const times = { unit: '×', isFloor: true } as const;
const ROUND_GOALS: readonly RoundGoal[] = [
  { name: 'HTTP GET / bare uWebSockets.js', ...times, goal: 0.9, of: ({ get, bare }) => quotient(get, bare) },
  {
    name: 'HTTP PUT / Redis SET',
    ...times,
    goal: 1,
    of: ({ put, 'redis-set': set }) => quotient(put, set),
  },
  {
    name: 'WebSocket GET / HTTP GET',
    ...times,
    goal: 4,
    of: ({ 'ws-get': wsGet, get }) => quotient(wsGet, get),
  },
  {
    name: 'WebSocket PUT / HTTP PUT',
    ...times,
    goal: 3,
    of: ({ 'ws-put': wsPut, put }) => quotient(wsPut, put),
  },
  {
    name: 'p99 of 50/50 at half of peak',
    unit: 'ms',
    isFloor: false,
    goal: 3,
    of: ({ mixed }) => mixed?.p99Ms,
  },
];

const IDLE_GOALS: readonly IdleGoal[] = [
  { name: 'idle CPU', unit: '%', isFloor: false, goal: 1, of: ({ cpuPercent }) => cpuPercent },
  { name: 'idle RSS', unit: 'MiB', isFloor: false, goal: 350, of: ({ rssMiB }) => rssMiB },
];

export function judge(rounds: readonly Round[], idle: IdleFigures | undefined): Ratio[] {
  const ratios: Ratio[] = [];
  for (const goal of ROUND_GOALS) {
    const values = rounds.map((round) => goal.of(round)).filter((value) => value !== undefined);
    if (values.length > 0) ratios.push(ratioOf(goal, values));
  }
  if (idle !== undefined) for (const goal of IDLE_GOALS) ratios.push(ratioOf(goal, [goal.of(idle)]));
  return ratios;
}

/** The median of `values`, judged. */
export function ratioOf({ name, unit, goal, isFloor }: Goal, values: readonly number[]): Ratio {
  const value = median(values);
  const isReached = isFloor ? value >= goal : value < goal;
  const min = Math.min(...values);
  const max = Math.max(...values);
  return { name, unit, goal, isFloor, isReached, value, min, max };
}

/** "ok", or by how much the goal is missed. */
export function verdict({ value, goal, isReached, unit, isFloor }: Ratio): string {
  if (isReached) return 'ok';
  const percent = (Math.abs(value - goal) / goal) * 100;
  return `MISSED by ${Math.abs(value - goal).toFixed(2)} ${unit} (${percent.toFixed(0)} % too ${isFloor ? 'low' : 'high'})`;
}
