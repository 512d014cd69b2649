/** Expressions of the parser's tree to bound ones: dispatch by the kind of the node. */
import type { Node } from '@pgsql/types';
import type { BoundExpression } from '../algebra/expression.js';
import { bodyOf, kindOf, locationOf, type NodeBody, type NodeKind, stringsOf } from '../parse/nodes.js';
import { bindCall } from './calls.js';
import { bindCase, bindCoalesce, bindMinMax } from './choices.js';
import { bindValueFunction } from './clock.js';
import { bindCast, bindConstant, bindParameter } from './constant.js';
import type { Clause, StatementContext } from './context.js';
import { notSupported } from './errors.js';
import { bindGroupingCall } from './grouping-call.js';
import { bindArray, bindColumn, bindIndirection, bindRow } from './names.js';
import { bindOperator } from './operators.js';
import type { Scope } from './scope.js';
import { bindSubquery } from './subqueries.js';
import { bindConnective, bindNullTest, bindTruthTest } from './tests.js';

type Binder<K extends NodeKind> = (
  context: StatementContext,
  body: NodeBody<K>,
  scope: Scope,
  clause: Clause,
) => BoundExpression;

const BINDERS: { readonly [K in NodeKind]?: Binder<K> } = {
  A_Const: bindConstant,
  ParamRef: bindParameter,
  TypeCast: bindCast,
  ColumnRef: bindColumn,
  A_Indirection: bindIndirection,
  A_ArrayExpr: bindArray,
  RowExpr: bindRow,
  A_Expr: bindOperator,
  BoolExpr: bindConnective,
  NullTest: bindNullTest,
  BooleanTest: bindTruthTest,
  CaseExpr: bindCase,
  CoalesceExpr: bindCoalesce,
  MinMaxExpr: bindMinMax,
  SQLValueFunction: bindValueFunction,
  FuncCall: bindCall,
  GroupingFunc: bindGroupingCall,
  SubLink: bindSubquery,
  CollateClause: (context, { arg, collname, location }, scope, clause) => {
    const name = stringsOf(collname).pop() ?? '';
    if (!['C', 'POSIX', 'default', 'ucs_basic'].includes(name))
      throw notSupported(`collation "${name}"`, location);
    return context.expression(arg as Node, scope, clause);
  },
  SetToDefault: (_context, { location }) => {
    throw notSupported('DEFAULT in this place', location);
  },
};

/** Constructs that the parser knows and LumaDB does not, by the name that users have for them. */
const NAMES: { readonly [K in NodeKind]?: string } = {
  XmlExpr: 'XML',
  XmlSerialize: 'XML',
  JsonFuncExpr: 'an SQL/JSON function',
  JsonObjectConstructor: 'JSON_OBJECT',
  JsonArrayConstructor: 'JSON_ARRAY',
  JsonArrayQueryConstructor: 'JSON_ARRAY',
  JsonObjectAgg: 'JSON_OBJECTAGG',
  JsonArrayAgg: 'JSON_ARRAYAGG',
  JsonIsPredicate: 'IS JSON',
  JsonParseExpr: 'JSON()',
  JsonScalarExpr: 'JSON_SCALAR',
  JsonSerializeExpr: 'JSON_SERIALIZE',
  MergeSupportFunc: 'MERGE_ACTION',
  CurrentOfExpr: 'WHERE CURRENT OF',
  MultiAssignRef: 'an assignment of several columns from this source',
};

export function bindExpression(
  context: StatementContext,
  node: Node,
  scope: Scope,
  clause: Clause,
): BoundExpression {
  const kind = kindOf(node);
  const bind = Object.hasOwn(BINDERS, kind) ? BINDERS[kind] : undefined;
  if (bind === undefined) throw notSupported(NAMES[kind] ?? kind, locationOf(node));
  // The table pairs each kind with the binder of its body, which the compiler cannot follow through the lookup.
  return (bind as Binder<NodeKind>)(context, bodyOf(node, kind) as never, scope, clause);
}
