/**
 * Which names stand for secrets: keys of the configuration, variables of the environment, fields of JSON. Whoever shows
 * such things to people asks here, so that a new kind of secret is hidden everywhere at once. Pure functions.
 */

/** Stands in the place of a secret. */
export const HIDDEN = '(hidden)';

const KEY_OWNERS = 'private|api|access|signing|encryption|master|session|jwt|tls|ssl|ssh|gpg|hmac|account';
/** As the source of a regular expression without groups that capture; not sensitive to case. */
export const SECRET_WORDS = `passw|passphrase|secret|token|credential|cookie|authorization|(?:${KEY_OWNERS})[_-]?key|key[_-]?(?:material|data|file|pem)|keystore`;

const SECRET = new RegExp(`${SECRET_WORDS}|(?:^|_)pass$`, 'i');
/** Only variables of the environment are written like this: a "key" in JSON is most often that of a document. */
const KEY_VARIABLE = /(^|_)KEY(_|$)/;

export function isSecretName(name: string): boolean {
  return SECRET.test(name) || KEY_VARIABLE.test(name);
}

/** A copy of `values` without those that sound like secrets. */
export function withoutSecrets(values: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(values).map(([name, value]) => [name, isSecretName(name) ? HIDDEN : value]),
  );
}
