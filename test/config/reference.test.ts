import { readFileSync } from 'node:fs';
import test from 'ava';
import { parse } from 'smol-toml';
import { configurationReference, defaultToml } from '../../src/config/reference.js';
import { defaultConfig, describeConfig } from '../../src/config/schema.js';

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

const isSection = (name: string): boolean => describeConfig().some((section) => section.name === name);

test('the default file sets nothing', (t) => {
  t.deepEqual(
    Object.entries(parse(defaultToml())).flatMap(([name, section]) =>
      // A table within a table, and no key.
      Object.keys(section as object).filter((key) => !isSection(`${name}.${key}`)),
    ),
    [],
  );
});

test('with its comments opened the default file is exactly the defaults', (t) => {
  const opened = defaultToml().replaceAll(/^#([a-z][a-z0-9_]* = )/gm, '$1');
  const byName = Object.entries(parse(opened)).flatMap(([name, section]) => {
    const entries = Object.entries(section as object);
    const inner = entries.filter(([key]) => isSection(`${name}.${key}`));
    const keys = entries.filter((entry) => !inner.includes(entry));
    return [[name, Object.fromEntries(keys)], ...inner.map(([key, value]) => [`${name}.${key}`, value])];
  });
  t.deepEqual(Object.fromEntries(byName) as unknown, defaultConfig());
});
