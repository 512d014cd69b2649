/** The test's side of load-process.ts: keeps the ledger up to date. */
import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { ExecutionContext } from 'ava';
import { HTTP_WRITERS, Ledger, SOCKET_WRITERS, type WrittenDocument } from './ledger.js';
// Its types alone: to import the module is to become a load process.
import type { LoadReport } from './load-process.js';
import type { TestServer } from './server.js';
import { until } from './time.js';

const SCRIPT = fileURLToPath(new URL('./load-process.js', import.meta.url));
const PAGE = 1000;

export class Load {
  readonly ledger = new Ledger();
  private readonly child: ChildProcess;
  /** How often each writer was refused. */
  private readonly refusals = new Map<string, number>();
  private onIdle: () => void = () => {};

  /** `goesOn`: a writer that is refused (503) tries again; without it every writer ends with its first error. */
  constructor(t: ExecutionContext, levels: string, options: { readonly goesOn?: boolean } = {}) {
    const env = { ...process.env, LOAD_LEVELS: levels, LOAD_GOES_ON: options.goesOn === true ? '1' : '' };
    this.child = fork(SCRIPT, [], { env, execArgv: [] });
    t.teardown(() => this.child.kill('SIGKILL'));
    this.child.on('message', (message: LoadReport | 'idle') => {
      if (message === 'idle') this.onIdle();
      else {
        for (const attempt of message.attempts) this.ledger.noteAttempt(attempt);
        for (const entry of message.acknowledged) this.ledger.noteAcknowledged(entry);
        for (const name of message.refused) this.refusals.set(name, (this.refusals.get(name) ?? 0) + 1);
      }
    });
  }

  /** Begins to write to this server. Resolves, once it is gone, when everything it acknowledged is in the ledger. */
  startOn(server: TestServer): Promise<void> {
    const idle = new Promise<void>((resolve) => {
      this.onIdle = resolve;
    });
    this.child.send({ port: server.port });
    return idle;
  }

  /** Resolves when every writer was refused twice more: what the first of them was under way with began before the call. */
  async untilAllAreRefused(): Promise<void> {
    const before = new Map(this.refusals);
    const isRefused = ([name, count]: [string, number]): boolean => count >= (before.get(name) ?? 0) + 2;
    await until(
      'every writer is refused',
      () => [...this.refusals].filter(isRefused).length === HTTP_WRITERS + SOCKET_WRITERS,
    );
  }
}

/** Compares the whole collection with the ledger; returns what is wrong. */
export async function auditLedger(server: TestServer, ledger: Ledger): Promise<string[]> {
  const found = new Map<string, WrittenDocument>();
  for (let cursor: string | null = ''; cursor !== null; ) {
    const answer = await server.get(
      `/api/v1/ledger?limit=${PAGE}${cursor === '' ? '' : `&cursor=${cursor}`}`,
    );
    if (answer.status !== 200) return ledger.count === 0 ? [] : [`the list fails: ${answer.text}`];
    for (const document of answer.json.data as WrittenDocument[]) found.set(document._id, document);
    cursor = answer.json.pagination.next_cursor as string | null;
  }
  const faults: string[] = [];
  const check = async (key: string): Promise<void> => {
    const answer = await server.get(`/api/v1/ledger/${key}`);
    const seqno = Number(/\d+/.exec(answer.headers.etag ?? '')?.[0]);
    const read = answer.status === 200 ? { document: answer.json as WrittenDocument, seqno } : undefined;
    const fault = ledger.fault(key, read);
    if (fault !== undefined) faults.push(fault);
    if (JSON.stringify(found.get(key)) !== JSON.stringify(read?.document))
      faults.push(`${key}: the list and the read disagree`);
  };
  await Promise.all(ledger.keys().map(check));
  for (const key of found.keys()) if (!ledger.keys().includes(key)) faults.push(`${key}: was never written`);
  return faults;
}
