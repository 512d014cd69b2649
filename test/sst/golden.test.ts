import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { BLOCK_HEADER_BYTES } from '../../src/sst/format.js';
import {
  described,
  document,
  everything,
  imageOf,
  memoryVfs,
  openTable,
  PATH,
  tombstone,
  writeTable,
} from './support.js';

/** The table of the example: one document and one tombstone, uncompressed. */
const EXAMPLE = [document(7, 'k1', 42, '{"a":1}'), tombstone(7, 'k2', 43)];
const EXAMPLE_BYTES = 402;

/** Bytes that a text shows: lines that begin with `marker`, two-digit hexadecimal, and a remark behind three spaces. */
function bytesShown(text: string, marker: RegExp): Uint8Array {
  const pairs = text
    .split('\n')
    .filter((line) => marker.test(line))
    .flatMap(
      (line) =>
        line
          .replace(marker, '')
          .replace(/ {3}.*$/, '')
          .match(/\b[0-9a-f]{2}\b/g) ?? [],
    );
  return Uint8Array.from(pairs, (pair) => Number.parseInt(pair, 16));
}

function textOfRepository(path: string): string {
  let directory = dirname(fileURLToPath(import.meta.url));
  for (;;) {
    try {
      return readFileSync(join(directory, path), 'utf8');
    } catch (error) {
      if (directory === dirname(directory)) throw error;
      directory = dirname(directory);
    }
  }
}

function written(): Uint8Array {
  const vfs = memoryVfs();
  writeTable(vfs, EXAMPLE, { codec: 'none' });
  return vfs.readFile(PATH);
}

test('the writer writes the example of docs/formats/sstable.md byte for byte', (t) => {
  const shown = bytesShown(textOfRepository('docs/formats/sstable.md'), /^ {4}\d{3} {2}/);
  t.is(shown.length, EXAMPLE_BYTES);
  t.is(Buffer.from(written()).toString('hex'), Buffer.from(shown).toString('hex'));
});

test('the reader reads the example as it was before today', (t) => {
  const shown = bytesShown(textOfRepository('docs/formats/sstable.md'), /^ {4}\d{3} {2}/);
  const reader = openTable(imageOf(shown));
  reader.verify();
  t.deepEqual(everything(reader), EXAMPLE.map(described));
});

test('the payload of its data block is the example of data-block-format.ts', (t) => {
  const source = textOfRepository('src/sst/data-block-format.ts');
  const example = source.slice(source.indexOf('Worked example'), source.indexOf('*/'));
  const shown = bytesShown(example, /^ \* {3}/);
  t.is(shown.length, 40);
  const payload = written().subarray(BLOCK_HEADER_BYTES, BLOCK_HEADER_BYTES + 40);
  t.is(Buffer.from(payload).toString('hex'), Buffer.from(shown).toString('hex'));
});
