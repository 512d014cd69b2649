/** A PostgreSQL server of the test's own, in a temporary directory, where its programs are installed. */
import { spawnSync } from 'node:child_process';
import { chownSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const PROGRAMS = '/usr/lib/postgresql/15/bin';

export const isPostgresInstalled = (): boolean => existsSync(join(PROGRAMS, 'initdb'));

/** PostgreSQL refuses to run as root. */
function run(program: string, args: readonly string[], input?: string): string {
  const path = join(PROGRAMS, program);
  const isRoot = process.getuid?.() === 0;
  const [command, all] = isRoot ? ['runuser', ['-u', 'postgres', '--', path, ...args]] : [path, [...args]];
  const result = spawnSync(command, all, {
    input,
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
    cwd: '/',
    // The server must not keep a pipe of ours open.
    stdio: program === 'pg_ctl' ? 'ignore' : 'pipe',
  });
  if (result.status !== 0) throw new Error(`${program}: ${result.stderr ?? result.error ?? result.status}`);
  return result.stdout ?? '';
}

export interface Postgres {
  /** Results of single expressions as text; NULL is null; an error is `!` and its SQLSTATE. */
  ask(expressions: readonly string[]): (string | null)[];
  stop(): void;
}

const TRY_FUNCTION = `
CREATE FUNCTION pg_temp.try(query text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE result text;
BEGIN EXECUTE query INTO result; RETURN result;
EXCEPTION WHEN OTHERS THEN RETURN '!' || SQLSTATE; END $$;
`;

export function startPostgres(): Postgres {
  const directory = mkdtempSync(join(tmpdir(), 'luma-pg-'));
  if (process.getuid?.() === 0) {
    const id = spawnSync('id', ['-u', 'postgres'], { encoding: 'utf8' }).stdout.trim();
    chownSync(directory, Number(id), -1);
  }
  const data = join(directory, 'data');
  run('initdb', [
    '-D',
    data,
    '--locale=C.UTF-8',
    '--lc-collate=C',
    '-E',
    'UTF8',
    '-A',
    'trust',
    '-U',
    'luma',
    '-N',
  ]);
  const options = `-c listen_addresses= -c unix_socket_directories=${directory} -c fsync=off -c timezone=UTC`;
  run('pg_ctl', ['-D', data, '-w', '-l', join(directory, 'log'), '-o', options, 'start']);
  return {
    ask(expressions) {
      const queries = JSON.stringify(expressions.map((text) => `SELECT (${text})::text`));
      const script = `${TRY_FUNCTION} SELECT json_agg(pg_temp.try(q) ORDER BY n) FROM
        json_array_elements_text($json$${queries}$json$) WITH ORDINALITY AS t(q, n);`;
      const output = run(
        'psql',
        ['-h', directory, '-U', 'luma', '-d', 'postgres', '-qAtX', '-v', 'ON_ERROR_STOP=1'],
        script,
      );
      return JSON.parse(output) as (string | null)[];
    },
    stop() {
      run('pg_ctl', ['-D', data, '-m', 'immediate', 'stop']);
      rmSync(directory, { recursive: true, force: true });
    },
  };
}
