/** The backup script of section 5.1 of the manual as it stands there, the upload to S3 by the AWS command line included. */
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { SandboxedMachine } from '../support/sandboxed-machine.js';
import { S3_ENDPOINT, S3_KEYS, startS3 } from '../support/sandboxed-s3.js';

const SCRIPT = `#!/bin/bash
# /usr/local/bin/lumadb-backup.sh

DATE=$(date +%Y%m%d_%H%M%S)
BACKUP_DIR="/backups/lumadb"
S3_BUCKET="s3://lumadb-backups"

# Create backup
lumadb backup \\
  --destination "\${BACKUP_DIR}/\${DATE}" \\
  --type incremental \\
  --compression zstd \\
  --parallel 4

# Upload to S3
aws s3 sync "\${BACKUP_DIR}/\${DATE}" "\${S3_BUCKET}/\${DATE}"

# Cleanup old local backups (keep 7 days)
find "\${BACKUP_DIR}" -type d -mtime +7 -exec rm -rf {} \\;

# Verify backup
lumadb backup verify --source "\${BACKUP_DIR}/\${DATE}"
`;

const CONFIG = `
[storage]
data_dir = "/var/lib/lumadb/data"
[backup.s3]
endpoint = "${S3_ENDPOINT}"
`;

test('the script makes backups, uploads them and checks them, and what was uploaded can be restored', async (t) => {
  const aws = spawnSync('bash', ['-c', 'command -v aws'], { encoding: 'utf8' }).stdout.trim();
  if (aws === '') {
    t.log('SKIPPED: aws is not installed (Debian: awscli)');
    return t.pass();
  }
  const machine = await SandboxedMachine.start(t);
  if (machine === undefined) return t.pass();
  const at = machine.directory;
  startS3(t, machine);
  writeFileSync(join(at, 'config.toml'), CONFIG);
  writeFileSync(join(at, 'lumadb-backup.sh'), SCRIPT, { mode: 0o755 });
  // Where S3 is, is no matter of the script.
  const wrapper = `#!/bin/sh\nexec ${aws} --endpoint-url ${S3_ENDPOINT} --region us-east-1 "$@"\n`;
  writeFileSync(join(at, 'bin', 'aws'), wrapper, { mode: 0o755 });
  const must = (line: string): string => {
    const { code, stdout, stderr } = machine.run(line);
    t.is(code, 0, `${line}: ${stdout}${stderr}`);
    return stdout + stderr;
  };
  const put = (key: string) =>
    must(`curl -sf -X PUT http://localhost:8080/api/v1/orders/${key} -d '{"k": "${key}"}'`);
  must(`mkdir -p /etc/lumadb && cp ${at}/config.toml /etc/lumadb/ && mkdir -p /var/lib/lumadb/data`);
  let { ended } = await machine.serve('lumadb start');
  put('first');
  const full = must(`${S3_KEYS} ${at}/lumadb-backup.sh`);
  t.regex(full, /a full backup was made, and no incremental one: there is no backup beside it yet/);
  t.regex(full, /upload: .*backup\.json to s3:\/\/lumadb-backups\/\d{8}_\d{6}\/backup\.json/);
  t.regex(full, /^ok$/m);
  put('second');
  // The name of a backup has whole seconds.
  await new Promise((resolve) => setTimeout(resolve, 1100));
  const incremental = must(`${S3_KEYS} ${at}/lumadb-backup.sh`);
  t.regex(incremental, /incremental backup .* upon \d{8}_\d{6}/);
  t.regex(incremental, /^ok$/m);
  const [, newest] = must('ls /backups/lumadb').trim().split('\n');
  must('lumadb shutdown --graceful');
  t.is(await ended, 0);
  must('rm -rf /var/lib/lumadb/data/* /backups/lumadb');
  must(`${S3_KEYS} lumadb restore --source s3://lumadb-backups/${newest} --target /var/lib/lumadb/data`);
  ({ ended } = await machine.serve('lumadb start'));
  for (const key of ['first', 'second'])
    t.regex(must(`curl -s http://localhost:8080/api/v1/orders/${key}`), /"k":/);
  must('lumadb shutdown --force');
  t.is(await ended, 0);
});
