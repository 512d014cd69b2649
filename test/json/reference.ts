/** What scanDocument should say, computed the slow way: TextDecoder, JSON.parse and a regular expression. */
import { JSON_DEPTH_MAX } from '../../src/base/limits.js';

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const TOKEN = /"(?:[^"\\]|\\.)*"|[{}[\],:]|[^\s{}[\],:"]+/gs;

/** The document's `_id` (undefined when it has none), or null when the document is to be refused. */
export function referenceScan(bytes: Uint8Array): { id: string | undefined; memberCount: number } | null {
  let text: string;
  let value: unknown;
  try {
    text = decoder.decode(bytes);
    value = JSON.parse(text);
  } catch {
    return null;
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return null;
  const tokens = text.match(TOKEN) ?? [];
  let depth = 0;
  let memberCount = 0;
  let id: string | undefined;
  for (const [index, token] of tokens.entries()) {
    if (token === '{' || token === '[') depth++;
    if (token === '}' || token === ']') depth--;
    if (depth > JSON_DEPTH_MAX) return null;
    if (!token.startsWith('"')) continue;
    const content = JSON.parse(token) as string;
    if (!content.isWellFormed()) return null;
    if (depth !== 1 || tokens[index + 1] !== ':') continue;
    memberCount++;
    if (content !== '_id') continue;
    if (id !== undefined || !tokens[index + 2].startsWith('"')) return null;
    id = JSON.parse(tokens[index + 2]) as string;
  }
  return { id, memberCount };
}
