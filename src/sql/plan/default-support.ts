/** The functions, types and binder that the planner works with in service. */
import { bindStandalone } from '../bind/standalone.js';
import { aggregateById, scalarById } from '../functions/registry.js';
import { castValue, optionsFrom } from '../types/cast.js';
import { compareForOperator, compareForOrder } from '../types/compare.js';
import type { PlannerSupport } from './support.js';

export const DEFAULT_SUPPORT: PlannerSupport = {
  scalar: scalarById,
  aggregate: aggregateById,
  compareForOperator,
  compareForOrder,
  cast: (value, to, from, modifiers) => castValue(value, to, modifiers, optionsFrom(from)),
  bindStandalone,
};
