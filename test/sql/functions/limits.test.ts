import test from 'ava';
import { DbError } from '../../../src/base/errors.js';
import { regexTest } from '../../../src/sql/functions/regex.js';
import { resolveAggregate } from '../../../src/sql/functions/registry.js';
import type { SqlType } from '../../../src/sql/types/sql-type.js';
import type { SqlValue } from '../../../src/sql/types/values.js';
import { call } from './evaluate.js';

const typeOf = (value: SqlValue): SqlType =>
  typeof value === 'string' ? 'text' : Array.isArray(value) ? 'int8[]' : 'int8';
const apply = (name: string, ...args: SqlValue[]): SqlValue =>
  call(
    name,
    args.map((value) => ({ type: typeOf(value), value })),
  ).value;

const sqlStateOf = (run: () => unknown): unknown => {
  try {
    return run();
  } catch (error) {
    return error instanceof DbError ? error.details?.['sqlstate'] : error;
  }
};

test('texts that would be too long are refused before they are made', (t) => {
  t.is(
    sqlStateOf(() => apply('repeat', 'x', 1e9)),
    '54000',
  );
  t.is(
    sqlStateOf(() => apply('lpad', 'x', 1e12)),
    '54000',
  );
  t.is(
    sqlStateOf(() => apply('replace', 'x'.repeat(1e6), 'x', 'y'.repeat(1000))),
    '54000',
  );
  t.is(
    sqlStateOf(() => apply('format', '%2000000000s', 'x')),
    '54000',
  );
  const definition = resolveAggregate('string_agg', ['text', 'text'])?.definition;
  t.is(
    sqlStateOf(() => {
      let state = definition?.initial();
      const part = 'x'.repeat(1 << 24);
      for (let row = 0; row < 8; row++) state = definition?.accumulate(state, [part, ',']);
    }),
    '54000',
  );
});

test('patterns that go back and forth end', (t) => {
  const started = process.hrtime.bigint();
  t.false(regexTest(`${'a'.repeat(40)}b`, '^(a+)+$'));
  t.false(regexTest(`${'a'.repeat(40)}b`, '(a|aa)+$'));
  t.is(apply('~~', 'a'.repeat(5000), `${'%a'.repeat(50)}%b`), false);
  t.true(process.hrtime.bigint() - started < 20_000_000_000n);
});

test('powers, factorials and arrays have limits', (t) => {
  t.is(
    sqlStateOf(() => apply('factorial', 100_000)),
    '22003',
  );
  t.is(
    sqlStateOf(() => apply('power', 10, 1000)),
    '22003',
  );
  t.is(
    sqlStateOf(() => apply('array_fill', 1, [1e9])),
    '54000',
  );
});
