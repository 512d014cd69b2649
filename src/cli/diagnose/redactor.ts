/**
 * Takes secrets out of whatever goes into a diagnostic archive, in three ways: values of secret settings and
 * under names that sound like secrets, in JSON and in lines of JSON; texts of the forms in secret-forms.ts; and the very values that are known to be secrets of
 * this machine's environment and configuration, wherever they occur.
 */
import { HIDDEN } from '../../base/secret-names.js';
import { isSecretField } from '../../config/shown-config.js';
import { hideForms, hidePrivateKeys } from './secret-forms.js';

/** Shorter values are words such as "none" or "1", which would be taken out of half of the archive. */
const SECRET_LENGTH_MIN = 6;
/** Shorter numbers are counts and sizes. */
const SECRET_DIGITS_MIN = 8;

export class Redactor {
  private readonly known = new Set<string>();
  private pattern: RegExp | undefined;

  /** Adds the values of all names that sound like secrets, however deep. */
  learn(values: unknown): void {
    for (const value of secretsIn(values, false)) {
      const isWord = value.length < SECRET_LENGTH_MIN;
      const isCount = /^\d*$/.test(value) && value.length < SECRET_DIGITS_MIN;
      if (isWord || isCount || value === HIDDEN) continue;
      for (const form of formsOf(value)) this.known.add(form);
    }
    // The longest first: one secret may begin with another.
    const alternatives = [...this.known].sort((a, b) => b.length - a.length).map(escaped);
    this.pattern = alternatives.length === 0 ? undefined : new RegExp(alternatives.join('|'), 'g');
  }

  /** One JSON value; what is none after all is taken as text. */
  json(text: string): string {
    const whole = parsed(text);
    return whole === undefined ? this.text(text) : `${JSON.stringify(this.value(whole.value), null, 1)}\n`;
  }

  /** Any text; its lines may be JSON. */
  text(text: string): string {
    return hidePrivateKeys(text)
      .split('\n')
      .map((line) => this.line(line))
      .join('\n');
  }

  private line(line: string): string {
    const json = line.startsWith('{') ? parsed(line) : undefined;
    return json === undefined ? this.string(line) : JSON.stringify(this.value(json.value));
  }

  private string(text: string): string {
    return this.scrub(hideForms(hidePrivateKeys(text)));
  }

  private value(value: unknown): unknown {
    if (typeof value === 'string') return this.string(value);
    if (typeof value === 'number') return this.scrub(String(value)) === String(value) ? value : HIDDEN;
    if (Array.isArray(value)) return value.map((each) => this.value(each));
    if (typeof value !== 'object' || value === null) return value;
    // {"key": "x.password", "value": …}, as changes of the configuration are told.
    const isAboutSecret = Object.entries(value).some(
      ([name, each]) =>
        /^(key|name|field|variable)$/.test(name) &&
        typeof each === 'string' &&
        isSecretField(each, undefined),
    );
    const entries = Object.entries(value).map(([name, each]): [string, unknown] => [
      this.scrub(name),
      isSecretField(name, each) || (isAboutSecret && VALUE_NAME.test(name)) ? hidden(each) : this.value(each),
    ]);
    return Object.fromEntries(entries);
  }

  private scrub(text: string): string {
    return this.pattern === undefined ? text : text.replace(this.pattern, HIDDEN);
  }
}

const VALUE_NAME = /^(value|text|before|after|running|next_start|default)$/;

/** Whether there is one may be known. */
const hidden = (value: unknown): unknown => (value === null || typeof value === 'boolean' ? value : HIDDEN);

function parsed(text: string): { readonly value: unknown } | undefined {
  try {
    return { value: JSON.parse(text) };
  } catch {
    return undefined;
  }
}

function* secretsIn(value: unknown, isSecret: boolean): Generator<string> {
  if (typeof value === 'object' && value !== null) {
    for (const [name, each] of Object.entries(value))
      yield* secretsIn(each, isSecret || isSecretField(name, each));
  } else if (isSecret && (typeof value === 'string' || typeof value === 'number')) yield String(value);
}

/** As it stands in JSON, in a URL and in a basic authorization. */
function formsOf(secret: string): string[] {
  return [
    secret,
    JSON.stringify(secret).slice(1, -1),
    encodeURIComponent(secret),
    Buffer.from(secret).toString('base64'),
  ];
}

const escaped = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
