import { existsSync, readFileSync } from 'node:fs';
import test from 'ava';
import { packageRoot } from '../support/source-tree.js';

/** One cell of the table: `file`: "claim"; "another claim"; `file`: "claim". */
const REFERENCE = /`([a-z0-9-]+\/[a-z0-9-]+)`: |"((?:[^"\\]|\\.)+)"/g;

interface Reference {
  readonly file: string;
  readonly claim: string;
}

function referencesOf(cell: string): Reference[] {
  const references: Reference[] = [];
  let file = '';
  for (const [, named, claim] of cell.matchAll(REFERENCE)) {
    if (named !== undefined) file = named;
    else references.push({ file, claim });
  }
  return references;
}

/** The last cell of each row of each table, without head and rule. */
const lastCells = (markdown: string): string[] =>
  markdown
    .split('\n')
    .filter((line) => line.startsWith('| ') && !line.startsWith('| case') && !line.startsWith('| ---'))
    .map((line) => line.split(' | ').at(-1) ?? '');

test('every test that the fault list names is there', (t) => {
  const root = packageRoot();
  const cells = lastCells(readFileSync(`${root}/docs/faults.md`, 'utf8'));
  const references = cells.flatMap(referencesOf);
  t.true(references.length > 50, `${references.length} references`);
  for (const { file, claim } of references) {
    const paths = [`${file}.test.ts`, `${file}.ts`].map((name) => `${root}/test/${name}`);
    const source = paths.filter(existsSync).map((path) => readFileSync(path, 'utf8'));
    t.true(source.length > 0, `test/${file}.test.ts does not exist`);
    t.true(
      source.some((text) => text.includes(claim)),
      `test/${file}.test.ts does not claim "${claim}"`,
    );
  }
});
