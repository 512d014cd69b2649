/** Assertions for states that cannot happen. A failed one is a bug: it ends the thread that hit it, loudly. */

export class AssertionError extends Error {
  override readonly name = 'AssertionError';
}

/** `message` may be a function so that hot paths build no string when the condition holds. */
export function assert(condition: boolean, message: string | (() => string)): asserts condition {
  if (!condition) throw new AssertionError(typeof message === 'string' ? message : message());
}

/** The `default:` of an exhaustive switch: the compiler proves it is never reached. */
export function unreachable(value: never): never {
  throw new AssertionError(`unreachable: ${JSON.stringify(value)}`);
}
