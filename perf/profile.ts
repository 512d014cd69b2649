/** Runs one measurement with V8's CPU profiler in every thread of the server, and says where the time went. */
import { mkdtempSync, readdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Figures } from './figures.js';
import { LumaServer } from './luma-server.js';
import { httpPut, webSocket } from './measurements.js';
import type { Options, Profile } from './options.js';
import { runWrk } from './wrk.js';

const TOP_FUNCTIONS = 15;
/** V8's name for time outside JavaScript. What uWebSockets.js does natively between handlers counts as this, too. */
const IDLE = '(idle)';

/** The part of a .cpuprofile that is used here (Chrome DevTools protocol, Profiler.Profile). Times in microseconds. */
interface CpuProfile {
  readonly nodes: readonly {
    readonly id: number;
    readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number };
  }[];
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}

function run(profile: Profile, server: LumaServer, options: Options): Promise<Figures> {
  if (profile === 'get') return runWrk(server, 'get', options);
  if (profile === 'put') return httpPut(server, options);
  return webSocket(server, profile === 'wsget' ? 'get' : 'put', options);
}

/** Returns what to print. */
export async function runProfile(profile: Profile, options: Options): Promise<string> {
  // Not among the directories that are removed: this one is for the caller.
  const directory = mkdtempSync(join(tmpdir(), `lumadb-profile-${profile}-`));
  const server = await LumaServer.start(options.documentBytes, ['--cpu-prof', `--cpu-prof-dir=${directory}`]);
  await server.load(options.keys);
  const figures = await run(profile, server, options);
  // A thread writes its profile when it ends in good order.
  await server.stop();
  return [
    `${Math.round(figures.opsPerSecond).toLocaleString('en-US')} ops/s under the profiler, ${figures.serverCores.toFixed(2)} cores`,
    ...summarizeAll(directory),
  ].join('\n');
}

/** The profiles in a directory that a server wrote, thread by thread. */
export function summarizeAll(directory: string): string[] {
  const files = readdirSync(directory).filter((name) => name.endsWith('.cpuprofile'));
  if (files.length === 0) throw new Error(`no thread wrote a profile into ${directory}`);
  const lines = [
    `Profiles (open them in Chrome's DevTools or VS Code; they cover loading, too): ${directory}`,
  ];
  for (const file of files.sort()) {
    lines.push('', file, ...summarize(JSON.parse(readFileSync(join(directory, file), 'utf8')) as CpuProfile));
  }
  return lines;
}

/** The functions in which a thread spent most of its time, callees not counted. */
export function summarize({ nodes, samples, timeDeltas }: CpuProfile): string[] {
  const names = new Map<number, string>();
  for (const { id, callFrame } of nodes) {
    const file = callFrame.url.split('/').slice(-2).join('/');
    const place = file === '' ? '' : ` ${file}:${callFrame.lineNumber + 1}`;
    names.set(id, `${callFrame.functionName || '(anonymous)'}${place}`);
  }
  const selfUs = new Map<string, number>();
  for (let i = 0; i < samples.length; i++) {
    const name = names.get(samples[i]) ?? '(unknown)';
    selfUs.set(name, (selfUs.get(name) ?? 0) + timeDeltas[i]);
  }
  const idleUs = selfUs.get(IDLE) ?? 0;
  selfUs.delete(IDLE);
  const busyUs = [...selfUs.values()].reduce((sum, us) => sum + us, 0);
  const seconds = (us: number): string => (us / 1e6).toFixed(1);
  return [
    `  ${seconds(busyUs)} s in JavaScript, ${seconds(idleUs)} s asleep or in the event loop's native code`,
    ...[...selfUs]
      .sort((a, b) => b[1] - a[1])
      .slice(0, TOP_FUNCTIONS)
      .map(([name, us]) => `${((us / busyUs) * 100).toFixed(1).padStart(6)} %  ${name}`),
  ];
}
