/** The closed list of reasons for which scan.ts refuses a text, and their sentences for people. Any thread. */
import { JSON_DEPTH_MAX } from '../base/limits.js';

export const JsonFault = {
  NONE: 0,
  EMPTY: 1,
  NOT_AN_OBJECT: 2,
  TRUNCATED: 3,
  TRAILING_BYTES: 4,
  EXPECTED_KEY: 5,
  EXPECTED_COLON: 6,
  EXPECTED_VALUE: 7,
  EXPECTED_COMMA_OR_CLOSE: 8,
  BAD_LITERAL: 9,
  BAD_NUMBER: 10,
  BAD_ESCAPE: 11,
  CONTROL_CHARACTER: 12,
  BAD_UTF8: 13,
  LONE_SURROGATE: 14,
  TOO_DEEP: 15,
  ID_NOT_A_STRING: 16,
  ID_TWICE: 17,
} as const;

export type JsonFault = (typeof JsonFault)[keyof typeof JsonFault];

const SENTENCES: readonly string[] = [
  'the document is valid',
  'the document is empty',
  'the top-level value is not an object',
  'the text ends before the document does',
  'there are bytes after the end of the document',
  'a member name in double quotes is expected here',
  'a colon is expected after the member name',
  'a value is expected here',
  'a comma or a closing bracket is expected here',
  'a literal is spelled wrong: only true, false and null exist',
  'a number is not in JSON form',
  'a string holds an escape that JSON does not have',
  'a string holds a control character that is not escaped',
  'the text is not valid UTF-8',
  'a string holds half of a surrogate pair',
  `the document nests deeper than ${JSON_DEPTH_MAX} levels`,
  '_id is not a string',
  '_id appears twice',
];

/** One sentence without a final full stop, ready to be followed by an offset. Unknown numbers get a general one. */
export function describeFault(reason: number): string {
  return SENTENCES[reason] ?? 'the document is not valid JSON';
}
