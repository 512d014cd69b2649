/** Functions about the session and the values themselves. */
import { kindName } from '../types/cast.js';
import type { SqlType } from '../types/sql-type.js';
import { typeName } from '../types/type-rules.js';
import type { SqlValue } from '../types/values.js';
import { many, one } from './define.js';
import type { FunctionDefinition } from './definition.js';

const STABLE = { volatility: 'stable' } as const;
const constant = (name: string, text: string): FunctionDefinition =>
  many(name, [], 'text', () => text, STABLE);

/** One overload per type, because at run time int8 and float8 are both numbers. */
const TYPES: readonly SqlType[] = [
  'bool',
  'int8',
  'float8',
  'numeric',
  'text',
  'timestamptz',
  'timestamp',
  'date',
  'time',
  'interval',
  'jsonb',
  'record',
];

const typeOf = (type: SqlType): FunctionDefinition =>
  one('pg_typeof', type, 'text', () => typeName(type), { strict: false });

export const SYSTEM_FUNCTIONS: readonly FunctionDefinition[] = [
  ...TYPES.flatMap((type) => [typeOf(type), ...(type === 'record' ? [] : [typeOf(`${type}[]` as SqlType)])]),
  one<SqlValue>('pg_typeof', 'any', 'text', kindName, { strict: false }),
  many('gen_random_uuid', [], 'text', (_, context) => context.uuid(), { volatility: 'volatile' }),
  constant('version', 'LumaDB, with the SQL of PostgreSQL 15'),
  constant('current_user', 'lumadb'),
  constant('session_user', 'lumadb'),
  constant('user', 'lumadb'),
  constant('current_role', 'lumadb'),
  constant('current_database', 'lumadb'),
  constant('current_catalog', 'lumadb'),
  constant('current_schema', 'public'),
  many('num_nulls', ['any'], 'int8', (args) => args.filter((value) => value === null).length, {
    strict: false,
    variadic: true,
  }),
  many('num_nonnulls', ['any'], 'int8', (args) => args.filter((value) => value !== null).length, {
    strict: false,
    variadic: true,
  }),
];
