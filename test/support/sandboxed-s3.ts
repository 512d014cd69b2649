/** An S3 server inside a sandboxed machine's own network, at port 9000, with the bucket of the manual. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import type { SandboxedMachine } from './sandboxed-machine.js';
import { packageRoot } from './source-tree.js';

export const S3_ENDPOINT = 'http://127.0.0.1:9000';
/** In front of a command. */
export const S3_KEYS = 'AWS_ACCESS_KEY_ID=a AWS_SECRET_ACCESS_KEY=b';

const SERVER = `
import { startFauxqs } from '${packageRoot()}/node_modules/fauxqs/dist/app.js';
const server = await startFauxqs({ port: 9000, host: '127.0.0.1', logger: false });
server.createBucket('lumadb-backups');
`;
const WAIT = `for i in $(seq 600); do curl -s ${S3_ENDPOINT}/ >/dev/null && exit 0; sleep 0.1; done; exit 1`;

export function startS3(t: ExecutionContext, machine: SandboxedMachine): void {
  const at = machine.directory;
  const script = join(at, 's3.mjs');
  writeFileSync(script, SERVER);
  machine.run(`nohup ${process.execPath} ${script} >${at}/s3.log 2>&1 & echo $! >${at}/s3.pid`);
  t.teardown(() => machine.run(`kill $(cat ${at}/s3.pid)`));
  const { code } = machine.run(WAIT);
  if (code !== 0) throw new Error('the S3 server did not start');
}
