/** Reading the JSON bodies of control requests. Pure; every fault is a DbError that names the field. */
import { DbError } from '../base/errors.js';
import { describeFault } from '../json/fault.js';
import { DocumentScan, scanDocument } from '../json/scan.js';

/** An absent body is an empty object. */
export function parseJson(text: string): unknown {
  if (text.trim() === '') return {};
  try {
    return JSON.parse(text);
  } catch {
    throw new DbError('MALFORMED_JSON', `the request body is not JSON: ${faultIn(text)}`);
  }
}

/** What V8 says of it quotes the text around the fault, which may be a password, and what is answered goes to access.log. */
function faultIn(text: string): string {
  const bytes = new TextEncoder().encode(text);
  const scan = new DocumentScan(false);
  const fault = scanDocument(bytes, 0, bytes.length, scan);
  return fault === 0 ? 'it cannot be parsed' : `${describeFault(fault)} at byte ${scan.faultOffset}`;
}

export function asObject(body: unknown): Record<string, unknown> {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    throw new DbError('VALIDATION', 'the request body must be a JSON object');
  }
  return body as Record<string, unknown>; // checked above
}

export function refuseUnknown(object: Record<string, unknown>, known: readonly string[]): void {
  for (const field of Object.keys(object)) {
    if (!known.includes(field)) {
      const message = `unknown field ${JSON.stringify(field)}; known are ${known.join(', ')}`;
      throw new DbError('VALIDATION', message, { field });
    }
  }
}

/** False when the field is absent. */
export function readFlag(object: Record<string, unknown>, field: string): boolean {
  const value = object[field] ?? false;
  if (typeof value !== 'boolean') {
    throw new DbError('VALIDATION', `${field} must be true or false`, { field });
  }
  return value;
}
