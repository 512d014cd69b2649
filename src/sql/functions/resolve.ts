/**
 * Overload resolution after PostgreSQL's rules (manual, chapter 10): an exact match wins; then whoever needs the fewest
 * casts; then the preferred types. Members of documents (`any`) match every parameter, those declared `any` best. Pure.
 */
import { elementType, isArrayType, type ScalarType, type SqlType } from '../types/sql-type.js';
import { canCast, commonType } from '../types/type-rules.js';
import { arrayTypeOf } from './define.js';

export interface Signature {
  readonly parameters: readonly SqlType[];
  readonly variadic?: boolean;
  readonly commonArguments?: boolean;
  readonly membersOnly?: boolean;
}

export interface Resolution<D> {
  readonly definition: D;
  /** The type that each argument is to be cast to. */
  readonly casts: readonly SqlType[];
}

const isOpen = (type: SqlType): boolean => type === 'any' || type === 'unknown';

/** Category, as far as preferences go. */
function categoryOf(type: SqlType): string {
  switch (type) {
    case 'int8':
    case 'numeric':
    case 'float8':
      return 'number';
    case 'timestamptz':
    case 'timestamp':
    case 'date':
      return 'instant';
    default:
      return type;
  }
}

const isPreferred = (type: SqlType): boolean =>
  type === 'float8' || type === 'timestamptz' || type === 'text';

/** Parameters for `count` arguments; undefined when they do not fit. */
function expand(signature: Signature, count: number): readonly SqlType[] | undefined {
  const { parameters, variadic } = signature;
  if (!variadic) return parameters.length === count ? parameters : undefined;
  const fixed = parameters.length - 1;
  if (count < fixed) return undefined;
  return [...parameters.slice(0, fixed), ...new Array<SqlType>(count - fixed).fill(parameters[fixed])];
}

function matches(argument: SqlType, parameter: SqlType, membersOnly: boolean): boolean {
  if (parameter === 'any') return !membersOnly || isOpen(argument);
  if (parameter === 'any[]') return isArrayType(argument) || isOpen(argument);
  return canCast(argument, parameter, 'implicit');
}

interface Candidate<D> {
  readonly definition: D;
  readonly parameters: readonly SqlType[];
}

export function resolve<D extends Signature>(
  definitions: readonly D[],
  types: readonly SqlType[],
): Resolution<D> | undefined {
  let candidates: Candidate<D>[] = [];
  for (const definition of definitions) {
    const parameters = expand(definition, types.length);
    const { membersOnly = false } = definition;
    if (membersOnly && !types.includes('any')) continue;
    if (parameters?.every((parameter, index) => matches(types[index], parameter, membersOnly))) {
      candidates.push({ definition, parameters });
    }
  }
  const forMembers = candidates.filter(({ definition }) => definition.membersOnly);
  if (forMembers.length > 0) candidates = forMembers;
  candidates = keepNumeric(candidates, types);
  if (candidates.length > 1) candidates = keepBest(candidates, (c) => exactMatches(c, types));
  if (candidates.length > 1) candidates = assumeSame(candidates, types);
  if (candidates.length > 1) candidates = keepBest(candidates, (c) => preferredMatches(c, types));
  if (candidates.length > 1) candidates = keepBest(candidates, (c) => openScore(c, types));
  if (candidates.length === 0) return undefined;
  const [{ definition, parameters }] = candidates;
  const casts = castsOf(definition, parameters, types);
  return casts === undefined ? undefined : { definition, casts };
}

/** A member that is a number may be a decimal: next to an integer too it is not to be rounded, as in mod(member, 3). */
function keepNumeric<D>(candidates: Candidate<D>[], types: readonly SqlType[]): Candidate<D>[] {
  const takes = ({ parameters }: Candidate<D>, index: number, type: SqlType): boolean =>
    types[index] === 'any' && parameters[index] === type;
  const places = types.map((_, index) => index);
  const isWorse = (candidate: Candidate<D>): boolean =>
    places.some(
      (index) =>
        takes(candidate, index, 'int8') && candidates.some((other) => takes(other, index, 'numeric')),
    );
  const better = candidates.filter((candidate) => !isWorse(candidate));
  return better.length > 0 ? better : candidates;
}

function keepBest<D>(candidates: Candidate<D>[], score: (candidate: Candidate<D>) => number): Candidate<D>[] {
  const scores = candidates.map(score);
  const best = Math.max(...scores);
  return candidates.filter((_, index) => scores[index] === best);
}

const count = (
  parameters: readonly SqlType[],
  test: (parameter: SqlType, index: number) => boolean,
): number => parameters.filter(test).length;

const exactMatches = <D>({ parameters }: Candidate<D>, types: readonly SqlType[]): number =>
  count(parameters, (parameter, index) => parameter === types[index]) +
  // `text || text[]`: that there is an array decides.
  2 * count(parameters, (parameter, index) => parameter === 'any[]' && isArrayType(types[index]));

/** `timestamptz - '…'`: a literal next to an operand is of its type, if there is such an operator. */
function assumeSame<D>(candidates: Candidate<D>[], types: readonly SqlType[]): Candidate<D>[] {
  if (types.length !== 2 || isOpen(types[0]) === isOpen(types[1])) return candidates;
  const known = isOpen(types[0]) ? types[1] : types[0];
  const same = candidates.filter(({ parameters }) => parameters.every((parameter) => parameter === known));
  return same.length > 0 ? same : candidates;
}

const preferredMatches = <D>({ parameters }: Candidate<D>, types: readonly SqlType[]): number =>
  count(
    parameters,
    (parameter, index) => !isOpen(types[index]) && (parameter === types[index] || isPreferred(parameter)),
  );

/** For arguments whose type says nothing: any, then text, then the widest of a category. */
function openScore<D>({ parameters }: Candidate<D>, types: readonly SqlType[]): number {
  let score = 0;
  const meetsMember = types.includes('any');
  for (let index = 0; index < parameters.length; index++) {
    if (!isOpen(types[index])) continue;
    const parameter = parameters[index];
    // A literal next to a member adapts when the member is known.
    if (parameter === 'any') score += types[index] === 'any' ? 8 : meetsMember ? 5 : 1;
    else if (parameter === 'any[]' && types[index] === 'unknown') score += 2;
    else if (parameter === 'jsonb') score += 3;
    else if (parameter === 'text') score += 4;
    // Numbers in documents are numeric; numbers in quotes are float8, as PostgreSQL prefers.
    else if (categoryOf(parameter) === 'number') {
      score += parameter === (types[index] === 'any' ? 'numeric' : 'float8') ? 3 : 2;
    } else if (parameter === 'timestamptz') score += 3;
    else if (categoryOf(parameter) === 'instant') score += 2;
  }
  return score;
}

function castsOf(
  definition: Signature,
  parameters: readonly SqlType[],
  types: readonly SqlType[],
): readonly SqlType[] | undefined {
  if (definition.commonArguments) {
    const common = commonType(types);
    return common === undefined ? undefined : types.map(() => common);
  }
  // Several arrays side by side, as in unnest, need not be of one type.
  const element = definition.variadic ? undefined : polymorphicElement(parameters, types);
  return parameters.map((parameter, index) => castOf(parameter, types[index], element));
}

/** What `any` and `any[]` stand for, when one of the parameters is an array of it. */
function polymorphicElement(
  parameters: readonly SqlType[],
  types: readonly SqlType[],
): ScalarType | undefined {
  if (!parameters.includes('any[]')) return undefined;
  const found: SqlType[] = [];
  parameters.forEach((parameter, index) => {
    const type = types[index];
    if (type === 'unknown') return;
    if (parameter === 'any[]') found.push(isArrayType(type) ? elementType(type) : 'any');
    else if (parameter === 'any') found.push(isArrayType(type) ? elementType(type) : type);
  });
  return found.length === 0 ? undefined : (commonType(found) as ScalarType | undefined);
}

function castOf(parameter: SqlType, type: SqlType, element: ScalarType | undefined): SqlType {
  if (parameter === 'any[]') {
    if (type === 'any' || element === 'any') return type === 'unknown' ? 'any[]' : type;
    return element === undefined && isArrayType(type) ? type : arrayTypeOf(element ?? 'text');
  }
  if (parameter === 'any') {
    if (element === undefined || element === 'any' || isArrayType(type))
      return type === 'unknown' ? 'text' : type;
    return element;
  }
  // JSON scalars are values as they are: a cast would parse strings.
  return parameter === 'jsonb' && type === 'any' ? 'any' : parameter;
}
