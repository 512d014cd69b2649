/** A minimal binder and evaluator of constant expressions, to call functions as SQL does. For tests only. */
import { loadModule, parseSync } from 'libpg-query';
import type { EvaluationContext } from '../../../src/sql/functions/definition.js';
import { resolveOperator, resolveScalar, scalarById } from '../../../src/sql/functions/registry.js';
import { castValue, commonType } from '../../../src/sql/types/cast.js';
import { compareForOperator } from '../../../src/sql/types/compare.js';
import { arrayOf, isArrayType, type ScalarType, type SqlType } from '../../../src/sql/types/sql-type.js';
import { SqlRecord, type SqlValue } from '../../../src/sql/types/values.js';

export interface Typed {
  readonly type: SqlType;
  readonly value: SqlValue;
}

export const NOW_MICROS = Date.UTC(2024, 1, 29, 13, 14, 15) * 1000;

export const testContext: EvaluationContext = {
  nowMicros: NOW_MICROS,
  clockMicros: () => NOW_MICROS + 1,
  random: () => 0.5,
  uuid: () => '00000000-0000-4000-8000-000000000000',
};

const TYPES: Readonly<Record<string, SqlType>> = {
  int4: 'int8',
  int8: 'int8',
  int2: 'int8',
  bigint: 'int8',
  numeric: 'numeric',
  float8: 'float8',
  text: 'text',
  varchar: 'text',
  bool: 'bool',
  timestamptz: 'timestamptz',
  timestamp: 'timestamp',
  date: 'date',
  time: 'time',
  interval: 'interval',
  jsonb: 'jsonb',
  json: 'jsonb',
};

// biome-ignore lint/suspicious/noExplicitAny: the parser's nodes, taken apart by name
type Node = any;

export const loadEvaluator = (): Promise<void> => loadModule();

export function evaluate(expression: string): Typed {
  const parsed: Node = parseSync(`SELECT ${expression}`);
  return evaluateNode(parsed.stmts[0].stmt.SelectStmt.targetList[0].ResTarget.val);
}

const cast = (typed: Typed, type: SqlType, modifiers?: readonly number[]): Typed => ({
  type,
  value: castValue(typed.value, type, modifiers, { from: typed.type, nowMicros: NOW_MICROS }),
});

export function call(name: string, args: readonly Typed[]): Typed {
  const resolution = resolveScalar(
    name,
    args.map(({ type }) => type),
  );
  if (resolution === undefined)
    throw new Error(`no function ${name}(${args.map(({ type }) => type).join(', ')})`);
  const { definition, casts } = resolution;
  const values = args.map((arg, index) =>
    casts[index] === arg.type ? arg.value : cast(arg, casts[index]).value,
  );
  const type = definition.returns;
  if (definition.strict && values.includes(null)) return { type, value: null };
  const byId = scalarById(definition.id);
  if (byId?.evaluate !== definition.evaluate) throw new Error(`${definition.id} is not found by its id`);
  return { type, value: definition.evaluate(values, testContext) };
}

function evaluateNode(node: Node): Typed {
  const [kind, body] = Object.entries<Node>(node)[0];
  switch (kind) {
    case 'A_Const':
      return constant(body);
    case 'TypeCast':
      return typeCast(body);
    case 'FuncCall':
      return call(body.funcname.at(-1).String.sval, (body.args ?? []).map(evaluateNode));
    case 'A_Expr':
      return operator(body);
    case 'MinMaxExpr':
      return call(body.op === 'IS_GREATEST' ? 'greatest' : 'least', body.args.map(evaluateNode));
    case 'SQLValueFunction':
      return call(body.op.replace('SVFOP_', '').toLowerCase(), []);
    case 'A_ArrayExpr':
      return array((body.elements ?? []).map(evaluateNode));
    case 'RowExpr': {
      const items: Typed[] = (body.args ?? []).map(evaluateNode);
      return {
        type: 'record',
        value: new SqlRecord(
          items.map((_, i) => `f${i + 1}`),
          items.map(({ value }) => value),
        ),
      };
    }
    case 'NullTest':
      return {
        type: 'bool',
        value: (evaluateNode(body.arg).value === null) === (body.nulltesttype === 'IS_NULL'),
      };
    default:
      throw new Error(`the test evaluator does not know ${kind}`);
  }
}

function constant(body: Node): Typed {
  if (body.isnull) return { type: 'unknown', value: null };
  if (body.ival) return { type: 'int8', value: body.ival.ival ?? 0 };
  if (body.boolval) return { type: 'bool', value: body.boolval.boolval ?? false };
  if (body.fval) {
    const type = /^\d+$/.test(body.fval.fval) && BigInt(body.fval.fval) < 2n ** 63n ? 'int8' : 'numeric';
    return cast({ type: 'unknown', value: body.fval.fval }, type);
  }
  return { type: 'unknown', value: body.sval.sval ?? '' };
}

function typeCast(body: Node): Typed {
  const { names, typmods, arrayBounds } = body.typeName;
  const base = TYPES[names.at(-1).String.sval];
  const modifiers = typmods?.map((mod: Node) => mod.A_Const.ival?.ival ?? 0);
  return cast(evaluateNode(body.arg), arrayBounds ? arrayOf(base as ScalarType) : base, modifiers);
}

function array(items: readonly Typed[]): Typed {
  const common = commonType(items.map(({ type }) => type)) ?? 'text';
  const type = isArrayType(common) ? common : arrayOf(common as ScalarType);
  const values = items.map((item) => (item.type === common ? item : cast(item, common)).value);
  return { type, value: values };
}

function operator(body: Node): Typed {
  const symbol: string = body.name.at(-1).String.sval;
  const left = body.lexpr === undefined ? undefined : evaluateNode(body.lexpr);
  const right = evaluateNode(body.rexpr);
  if (left !== undefined && COMPARISONS[symbol] !== undefined)
    return compare(left, right, COMPARISONS[symbol]);
  return left === undefined ? prefix(symbol, right) : infix(symbol, left, right);
}

function prefix(symbol: string, right: Typed): Typed {
  if (resolveOperator(symbol, undefined, right.type) === undefined) throw new Error(`no operator ${symbol}`);
  return call(symbol, [right]);
}

function infix(symbol: string, left: Typed, right: Typed): Typed {
  if (resolveOperator(symbol, left.type, right.type) === undefined) {
    throw new Error(`no operator ${left.type} ${symbol} ${right.type}`);
  }
  return call(symbol, [left, right]);
}

const COMPARISONS: Readonly<Record<string, (order: number) => boolean>> = {
  '=': (order) => order === 0,
  '<>': (order) => order !== 0,
  '<': (order) => order < 0,
  '<=': (order) => order <= 0,
  '>': (order) => order > 0,
  '>=': (order) => order >= 0,
};

function compare(left: Typed, right: Typed, test: (order: number) => boolean): Typed {
  const common = commonType([left.type, right.type]);
  if (common === undefined) throw new Error(`${left.type} and ${right.type} do not compare`);
  const order = compareForOperator(cast(left, common).value, cast(right, common).value);
  return { type: 'bool', value: order === undefined ? null : test(order) };
}
