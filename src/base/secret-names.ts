/**
 * Which names stand for secrets, as far as a name can tell: variables of the environment, fields of JSON. Whoever shows such
 * things to people asks here, so that a new kind of secret is hidden everywhere at once. Keys of the configuration do not go
 * by their names: the schema says which are secrets (config/shown-config.ts). Pure functions.
 */

/** Stands in the place of a secret. */
export const HIDDEN = '(hidden)';

const KEY_OWNERS = 'private|api|access|signing|encryption|master|session|jwt|tls|ssl|ssh|gpg|hmac|account';
/** As the source of a regular expression without groups that capture; not sensitive to case. */
export const SECRET_WORDS = `passw|passphrase|secret|token|credential|cookie|authorization|(?:${KEY_OWNERS})[_-]?key|key[_-]?(?:material|data|file|pem)|keystore`;

const SECRET = new RegExp(`${SECRET_WORDS}|(?:^|_)pass$`, 'i');
/** Only variables of the environment are written like this: a "key" in JSON is most often that of a document. */
const KEY_VARIABLE = /(^|_)KEY(_|$)/;

/** What is measured of secrets is none: token_ttl_minutes, password_length_min, TOKENS_MAX. */
const MEASURE =
  /(?:^|[_.-])(?:ttl|ms|seconds|minutes|hours|days|bytes|count|total|length|size|max|min|limit)$/i;
/** More digits may be a number that opens something. */
const MEASURED = /^\d{1,9}(?:\.\d{1,9})?$/;

export function isSecretName(name: string): boolean {
  return SECRET.test(name) || KEY_VARIABLE.test(name);
}

/** Whether a name that may sound like a secret is about the size of one, and its value is such a number. */
export function isMeasure(name: string, value: unknown): boolean {
  const isNumber = typeof value === 'number' || typeof value === 'string';
  return isNumber && MEASURE.test(name) && MEASURED.test(String(value));
}

/** Of a field or variable that nothing is known of but this. */
export const soundsSecret = (name: string, value: unknown): boolean =>
  isSecretName(name) && !isMeasure(name, value);

/** postgres://user:password@host; what stands before the last @ of it is not the host, as URLs are read. */
const URL_PASSWORD = /(\b[a-z][a-z0-9+.-]{0,20}:\/\/[^\s/:]{0,256}):[^\s/]{1,256}@/gi;

export const hideUrlPasswords = (text: string): string => text.replace(URL_PASSWORD, `$1:${HIDDEN}@`);
