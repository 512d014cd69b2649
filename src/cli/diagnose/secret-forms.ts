/** The forms in which secrets stand in running text: logs, statements, command lines. Pure; linear in the text's length. */
import { HIDDEN, hideUrlPasswords, isMeasure, SECRET_WORDS } from '../../base/secret-names.js';

/** Over several lines; in JSON the line ends are written out, and it stays JSON. */
const PRIVATE_KEY =
  /-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----[\s\S]*?(-----END [A-Z ]{0,40}PRIVATE KEY-----|$)/g;

/** Each with what to put in its place. What is repeated has a bound: nobody knows how long a line of a log is. */
const FORMS: ReadonlyArray<readonly [RegExp, string]> = [
  // JSON Web Tokens.
  [/\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*/g, HIDDEN],
  [/\b(bearer|basic)\s{1,8}[\w.~+/=-]{6,}/gi, `$1 ${HIDDEN}`],
  // CREATE USER … PASSWORD 'x', IDENTIFIED BY 'x'
  [/\b(password|identified\s{1,8}by)(\s{1,8})'(?:[^']|'')*'/gi, `$1$2${HIDDEN}`],
];

/** password=x, "api_key": "x", --token: x; also inside a JSON text that is itself a JSON string. */
const ASSIGNMENT = new RegExp(
  `((?:${SECRET_WORDS})[\\w.-]{0,64})(\\\\{0,4}["']?\\s{0,8}[=:]\\s{0,8})` +
    `("(?:[^"\\\\]|\\\\.)*"|'(?:[^']|'')*'|[^\\s,;}&)\\]]+)`,
  'gi',
);

const hideAssigned = (all: string, name: string, sign: string, value: string): string =>
  isMeasure(name, value) ? all : `${name}${sign}${HIDDEN}`;

export const hidePrivateKeys = (text: string): string => text.replace(PRIVATE_KEY, HIDDEN);

/** Of a text without line ends, or one in which nothing goes on across them. */
export function hideForms(text: string): string {
  let shown = hideUrlPasswords(text);
  for (const [form, instead] of FORMS) shown = shown.replace(form, instead);
  return shown.replace(ASSIGNMENT, hideAssigned);
}
