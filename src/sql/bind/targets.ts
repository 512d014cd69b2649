/** Select lists: stars are expanded, expressions bound, columns named as PostgreSQL names them. */
import type { Node, ResTarget } from '@pgsql/types';
import type { BoundExpression } from '../algebra/expression.js';
import { PROGRAM_LIMIT_EXCEEDED, sqlError } from '../errors.js';
import { bodyOf, stringOf, stringsOf } from '../parse/nodes.js';
import type { Clause, StatementContext } from './context.js';
import { notSupported, syntaxError } from './errors.js';
import { OUTPUT_COLUMNS_MAX } from './limits.js';
import type { StarColumn } from './relation.js';
import type { Scope } from './scope.js';
import { typeOfName } from './type-name.js';

export interface Target {
  readonly name: string;
  readonly expression: BoundExpression;
  readonly spread: boolean;
}

export function bindTargets(
  context: StatementContext,
  nodes: readonly Node[],
  scope: Scope,
  clause: Clause,
): readonly Target[] {
  const targets = nodes.flatMap((node) =>
    bindTarget(context, bodyOf(node, 'ResTarget') ?? {}, scope, clause),
  );
  if (targets.length > OUTPUT_COLUMNS_MAX)
    throw sqlError(PROGRAM_LIMIT_EXCEEDED, `target lists can have at most ${OUTPUT_COLUMNS_MAX} entries`);
  return targets;
}

function bindTarget(
  context: StatementContext,
  target: ResTarget,
  scope: Scope,
  clause: Clause,
): readonly Target[] {
  if (target.val === undefined) throw syntaxError('a select list needs expressions', target.location);
  const star = starOf(target.val, scope);
  if (star !== undefined) return star;
  const indirection = bodyOf(target.val, 'A_Indirection')?.indirection ?? [];
  if (bodyOf(indirection[indirection.length - 1], 'A_Star') !== undefined)
    throw notSupported('.* of a value', target.location);
  const expression = context.expression(target.val, scope, clause);
  return [{ name: target.name ?? nameOf(target.val) ?? '?column?', expression, spread: false }];
}

function starOf(node: Node, scope: Scope): readonly StarColumn[] | undefined {
  const column = bodyOf(node, 'ColumnRef');
  const fields = column?.fields ?? [];
  if (bodyOf(fields[fields.length - 1], 'A_Star') === undefined) return undefined;
  if (fields.length > 1) return scope.relationOfStar(stringsOf(fields.slice(0, -1)), column?.location).star();
  const visible = scope.relations.filter(({ qualifiedOnly }) => !qualifiedOnly);
  if (visible.length === 0)
    throw syntaxError('SELECT * with no tables specified is not valid', column?.location);
  // What USING merged comes first, once.
  const merged = scope.merged.map(({ name, expression }) => ({ name, expression, spread: false }));
  const own = visible.flatMap((relation) =>
    relation
      .star()
      .filter(
        ({ name, spread }) =>
          spread || !scope.merged.some((each) => each.name === name && each.relations.has(relation)),
      ),
  );
  return [...merged, ...own];
}

/** The name of an output column without AS; undefined where PostgreSQL says ?column?. */
export function nameOf(node: Node | undefined): string | undefined {
  const column = bodyOf(node, 'ColumnRef');
  if (column !== undefined) return stringOf(column.fields?.[column.fields.length - 1]);
  const indirection = bodyOf(node, 'A_Indirection');
  if (indirection !== undefined) {
    const names = stringsOf(indirection.indirection).filter((name) => name !== '');
    return names[names.length - 1] ?? nameOf(indirection.arg);
  }
  const call = bodyOf(node, 'FuncCall');
  if (call !== undefined) {
    const name = stringOf(call.funcname?.[call.funcname.length - 1]) ?? '';
    return name;
  }
  const cast = bodyOf(node, 'TypeCast');
  if (cast?.typeName !== undefined) return nameOf(cast.arg) ?? typeOfName(cast.typeName).name;
  if (bodyOf(node, 'CaseExpr') !== undefined) return nameOf(bodyOf(node, 'CaseExpr')?.defresult) ?? 'case';
  if (bodyOf(node, 'CoalesceExpr') !== undefined) return 'coalesce';
  if (bodyOf(node, 'A_ArrayExpr') !== undefined) return 'array';
  if (bodyOf(node, 'RowExpr') !== undefined) return 'row';
  if (bodyOf(node, 'GroupingFunc') !== undefined) return 'grouping';
  if (bodyOf(node, 'A_Expr')?.kind === 'AEXPR_NULLIF') return 'nullif';
  const minMax = bodyOf(node, 'MinMaxExpr');
  if (minMax !== undefined) return minMax.op === 'IS_LEAST' ? 'least' : 'greatest';
  const clock = bodyOf(node, 'SQLValueFunction');
  if (clock !== undefined) return (clock.op ?? '').replace('SVFOP_', '').replace(/_N$/, '').toLowerCase();
  return nameOfSubquery(node);
}

function nameOfSubquery(node: Node | undefined): string | undefined {
  const link = bodyOf(node, 'SubLink');
  if (link?.subLinkType === 'EXISTS_SUBLINK') return 'exists';
  if (link?.subLinkType === 'ARRAY_SUBLINK') return 'array';
  if (link?.subLinkType !== 'EXPR_SUBLINK') return undefined;
  const target = bodyOf(bodyOf(link.subselect, 'SelectStmt')?.targetList?.[0], 'ResTarget');
  return target?.name ?? nameOf(target?.val);
}
