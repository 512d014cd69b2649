/** Every command starts a process: what all of them load at once is paid by each. What one needs, it imports when it runs. */
import { dirname, join } from 'node:path/posix';
import test from 'ava';
import { importsOf, readSources } from '../support/source-tree.js';

const START = 'src/cli/main.ts';
const LIGHT_PACKAGES = ['commander', 'picocolors', 'cli-table3'];

const isStatic = (statement: string): boolean =>
  !/^\s*(?:import|export)\s+type\b|\bimport\s*\(/.test(statement);

test('the command line starts with few packages, and nothing of the server', (t) => {
  const textOf = new Map(readSources('src').map(({ path, text }) => [path, text]));
  const packages = new Set<string>();
  const files = new Set([START]);
  for (const file of files) {
    for (const name of importsOf(textOf.get(file) ?? '', isStatic)) {
      if (name.startsWith('.')) files.add(join(dirname(file), name).replace(/\.js$/, '.ts'));
      else if (!name.startsWith('node:')) packages.add(name);
    }
  }
  t.true(files.size > 50, 'the imports were found');
  t.deepEqual([...packages].sort(), [...LIGHT_PACKAGES].sort());
  const ofServer = [...files].filter((file) => /^src\/(runtime|front|engine|sql|tools)\//.test(file));
  t.deepEqual(ofServer, []);
});
