import { readFileSync } from 'node:fs';
import test from 'ava';
import { parse } from 'smol-toml';
import { configurationReference, defaultToml } from '../../src/config/reference.js';
import { defaultConfig } from '../../src/config/schema.js';

// ava runs in the root of the repository.
const AGAIN = 'is out of date: run node dist/src/config/write-reference.js';

test('the committed documents are what the schema generates', (t) => {
  t.is(readFileSync('config.toml', 'utf8'), defaultToml(), `config.toml ${AGAIN}`);
  t.is(
    readFileSync('docs/configuration.md', 'utf8'),
    configurationReference(),
    `docs/configuration.md ${AGAIN}`,
  );
});

test('the default file sets nothing', (t) => {
  t.deepEqual(
    Object.values(parse(defaultToml())).flatMap((section) => Object.keys(section as object)),
    [],
  );
});

test('with its comments opened the default file is exactly the defaults', (t) => {
  const opened = defaultToml().replaceAll(/^#([a-z][a-z0-9_]* = )/gm, '$1');
  t.deepEqual(parse(opened) as unknown, defaultConfig());
});
