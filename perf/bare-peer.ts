/** The bare uWebSockets.js server, seen from the harness. */
import { ChildProcess } from './child-process.js';
import { BARE_SERVER_SCRIPT } from './package-root.js';

export interface BarePeer {
  readonly process: ChildProcess;
  readonly port: number;
}

export async function startBareServer(bodyBytes: number): Promise<BarePeer> {
  const argument = JSON.stringify({ bodyBytes });
  const child = new ChildProcess('the bare server', process.execPath, [BARE_SERVER_SCRIPT, argument], {
    ipc: true,
  });
  const { port } = await child.message<{ port: number }>();
  return { process: child, port };
}
