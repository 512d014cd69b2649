/** A whole run: peers loaded, answers compared, then rounds in which the peers take turns, then writers beside a query. */
import { createPrng } from '../../src/base/prng.js';
import { median } from '../figures.js';
import { watchTreeCpu } from '../process-tree.js';
import { ProgressLine } from '../progress.js';
import { recordHead } from '../record.js';
import { difference } from './answers.js';
import { COMPARISONS, type ComparisonName } from './comparisons.js';
import type { Draw } from './data.js';
import type { AnalyticFigures, SqlFigures, SqlRound } from './figures.js';
import { Interference } from './interference.js';
import { LumaPeer } from './luma-peer.js';
import type { SqlOptions } from './options.js';
import type { PeerName, SqlPeer } from './peer.js';
import { runPointLoad } from './point-load.js';
import { PostgresPeer } from './postgres-peer.js';
import { type SqlRecord, sqlRatios, sqlWarnings } from './record.js';

/** Answers of each point query that are compared, with parameters drawn anew. */
const COMPARED_DRAWS = 25;

class SqlRun {
  readonly loadSeconds: Partial<Record<PeerName, number>> = {};
  private readonly peers: SqlPeer[] = [];

  constructor(
    private readonly options: SqlOptions,
    private readonly progress: ProgressLine,
    private readonly nodeArguments: readonly string[],
  ) {}

  async load(): Promise<void> {
    const { options, progress, nodeArguments } = this;
    for (const name of options.peers) {
      progress.next(`loading ${name}`);
      const peer =
        name === 'lumadb'
          ? await LumaPeer.start({ ...options, nodeArguments })
          : await PostgresPeer.start(options.cacheMib);
      this.peers.push(peer);
      const startMs = performance.now();
      await peer.load(options.documents, (share) => progress.share(share));
      this.loadSeconds[name] = (performance.now() - startMs) / 1000;
    }
  }

  /** Throws when peers differ. Gives the number of answers that were compared. */
  async compare(): Promise<number> {
    const { options, peers, progress } = this;
    progress.next('comparing answers');
    const prng = createPrng(options.seed);
    const draw: Draw = { documents: options.documents, below: prng.nextBelow };
    let compared = 0;
    for (const name of options.only) {
      const comparison = COMPARISONS[name];
      for (let i = 0; i < (comparison.kind === 'point' ? COMPARED_DRAWS : 1); i++) {
        const params = comparison.params(draw);
        const [first, ...others] = await Promise.all(peers.map((peer) => peer.rows(comparison, params)));
        if (first.length === 0) throw new Error(`${name} gave no rows`);
        for (const rows of others) {
          const fault = difference(first, rows, comparison.isOrdered);
          if (fault !== undefined)
            throw new Error(`${name} with ${JSON.stringify(params)}: the answers differ: ${fault}`);
          compared++;
        }
      }
    }
    return compared;
  }

  /** Each comparison on every peer, one right after the other; who begins changes from round to round. */
  async round(number: number): Promise<SqlRound> {
    const { options, progress } = this;
    const peers = number % 2 === 0 ? this.peers : [...this.peers].reverse();
    const round: SqlRound = {};
    for (const name of options.only) {
      const figures: Partial<Record<PeerName, SqlFigures>> = {};
      for (const peer of peers) {
        progress.next(`round ${number + 1} of ${options.rounds}: ${name} on ${peer.name}`);
        figures[peer.name] = await this.measure(name, peer, number);
      }
      round[name] = figures;
    }
    return round;
  }

  async interference(): Promise<SqlRecord['interference']> {
    const { options, progress, peers } = this;
    progress.next('writers beside a query');
    const luma = peers.find(({ name }) => name === 'lumadb');
    if (options.putSeconds === 0 || luma === undefined) return undefined;
    return new Interference(luma, options).measure();
  }

  async stop(): Promise<void> {
    for (const peer of this.peers) await peer.stop();
  }

  private async measure(name: ComparisonName, peer: SqlPeer, number: number): Promise<SqlFigures> {
    if (COMPARISONS[name].kind === 'analytic') return this.analytic(name, peer);
    const { documents, clients, warmUpSeconds, seconds, seed } = this.options;
    return peer.process.during(
      runPointLoad({
        peer: peer.name,
        port: peer.port,
        serverPid: peer.process.pid,
        what: name,
        documents,
        clients,
        warmUpSeconds,
        seconds,
        seed: seed + number,
      }),
    );
  }

  private async analytic(name: ComparisonName, peer: SqlPeer): Promise<AnalyticFigures> {
    const { repeats } = this.options;
    const comparison = COMPARISONS[name];
    // The first one of a round brings the peer's memory back to what the other peer displaced.
    await peer.rows(comparison, []);
    const durations: number[] = [];
    const cpu = watchTreeCpu(peer.process.pid);
    for (let i = 0; i < repeats; i++) {
      const startMs = performance.now();
      await peer.rows(comparison, []);
      durations.push(performance.now() - startMs);
    }
    return {
      medianMs: median(durations),
      minMs: Math.min(...durations),
      cpuMs: (cpu() * 1000) / repeats,
    };
  }
}

export async function runSql(
  options: SqlOptions,
  command: string,
  nodeArguments: readonly string[] = [],
): Promise<SqlRecord> {
  const head = recordHead(command);
  const steps = options.peers.length * (1 + options.rounds * options.only.length) + 2;
  const progress = new ProgressLine(steps);
  const run = new SqlRun(options, progress, nodeArguments);
  await run.load();
  const comparedAnswers = await run.compare();
  const rounds: SqlRound[] = [];
  for (let number = 0; number < options.rounds; number++) rounds.push(await run.round(number));
  const interference = await run.interference();
  progress.clear();
  await run.stop();
  const { json, history, profile, ...configuration } = options;
  return {
    ...head,
    kind: 'sql',
    configuration,
    loadSeconds: run.loadSeconds,
    comparedAnswers,
    rounds,
    ratios: sqlRatios(rounds, interference, head.machine.cores),
    interference,
    warnings: sqlWarnings(head, options, rounds, interference),
  };
}
