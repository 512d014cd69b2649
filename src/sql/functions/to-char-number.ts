/** to_char for numbers: 9 0 . , D G S MI PL SG PR L FM EEEE V RN TH and quoted text. */
import { sqlError } from '../errors.js';
import { roundDecimal, type SqlNumber } from '../types/numbers.js';

type Token =
  | { readonly kind: 'digit'; readonly isZero: boolean }
  | { readonly kind: 'point' | 'group' | 'sign' | 'minus' | 'plus' | 'plusMinus' | 'currency' }
  | { readonly kind: 'ordinal'; readonly text: string }
  | { readonly kind: 'text'; readonly text: string };

interface NumberFormat {
  readonly tokens: readonly Token[];
  readonly fill: boolean;
  readonly brackets: boolean;
  readonly roman: boolean;
  readonly scientific: boolean;
  /** Digits after V: the value is multiplied by ten for each. */
  readonly shift: number;
  readonly integerDigits: number;
  readonly fractionDigits: number;
}

const WORDS: readonly (readonly [RegExp, (match: string) => Token | undefined])[] = [
  [/^"(?:[^"\\]|\\.)*"?/, (m) => ({ kind: 'text', text: m.replace(/^"|"$/g, '').replace(/\\(.)/g, '$1') })],
  [/^[90]/, (m) => ({ kind: 'digit', isZero: m === '0' })],
  [/^[.Dd]/, () => ({ kind: 'point' })],
  [/^[,Gg]/, () => ({ kind: 'group' })],
  [/^SG/i, () => ({ kind: 'plusMinus' })],
  [/^MI/i, () => ({ kind: 'minus' })],
  [/^PL/i, () => ({ kind: 'plus' })],
  [/^S/i, () => ({ kind: 'sign' })],
  [/^L/i, () => ({ kind: 'currency' })],
  [/^TH/i, (m) => ({ kind: 'ordinal', text: m })],
];

function parseFormat(format: string): NumberFormat {
  const tokens: Token[] = [];
  let [fill, brackets, roman, scientific, hasPoint, hasShift] = [false, false, false, false, false, false];
  let [integerDigits, fractionDigits, shift] = [0, 0, 0];
  for (let at = 0; at < format.length; ) {
    const rest = format.slice(at);
    const flag = /^(?:FM|PR|RN|EEEE|V)/i.exec(rest)?.[0].toUpperCase();
    if (flag !== undefined) {
      if (flag === 'FM') fill = true;
      else if (flag === 'PR') brackets = true;
      else if (flag === 'RN') roman = true;
      else if (flag === 'EEEE') scientific = true;
      else hasShift = true;
      at += flag.length;
      continue;
    }
    const word = WORDS.find(([pattern]) => pattern.test(rest));
    const text = word?.[0].exec(rest)?.[0] ?? rest[0];
    const token: Token = word?.[1](text) ?? { kind: 'text', text };
    if (token.kind === 'digit') {
      if (hasShift) shift++;
      if (hasPoint) fractionDigits++;
      else integerDigits++;
    } else if (token.kind === 'point') {
      if (hasPoint) throw sqlError('42601', 'multiple decimal points');
      hasPoint = true;
    }
    tokens.push(token);
    at += text.length;
  }
  const hasSign = tokens.some(({ kind }) => ['sign', 'minus', 'plus', 'plusMinus'].includes(kind));
  if (brackets && hasSign) throw sqlError('42601', 'cannot use "PR" and "S"/"PL"/"MI"/"SG" together');
  return { tokens, fill, brackets, roman, scientific, shift, integerDigits, fractionDigits };
}

const FORMATS_MAX = 256;
const formats = new Map<string, NumberFormat>();

export function numberToChar(value: SqlNumber, format: string): string {
  let parsed = formats.get(format);
  if (parsed === undefined) {
    if (formats.size >= FORMATS_MAX) formats.clear();
    parsed = parseFormat(format);
    formats.set(format, parsed);
  }
  if (parsed.roman) return romanToChar(Number(value), parsed.fill);
  if (parsed.scientific) return scientificToChar(Number(value), parsed);
  return decimalToChar(value, parsed);
}

const ROMAN: readonly (readonly [number, string])[] = [
  [1000, 'M'],
  [900, 'CM'],
  [500, 'D'],
  [400, 'CD'],
  [100, 'C'],
  [90, 'XC'],
  [50, 'L'],
  [40, 'XL'],
  [10, 'X'],
  [9, 'IX'],
  [5, 'V'],
  [4, 'IV'],
  [1, 'I'],
];
const ROMAN_WIDTH = 15;

function romanToChar(value: number, fill: boolean): string {
  let rest = Math.round(value);
  if (rest < 1 || rest > 3999) return '#'.repeat(ROMAN_WIDTH);
  let text = '';
  for (const [size, letters] of ROMAN) {
    for (; rest >= size; rest -= size) text += letters;
  }
  return fill ? text : text.padStart(ROMAN_WIDTH);
}

function scientificToChar(value: number, format: NumberFormat): string {
  if (!Number.isFinite(value)) return ' #.####';
  const text = value.toExponential(format.fractionDigits).replace(/e([+-])(\d)$/, 'e$10$2');
  return value < 0 || format.fill ? text : ` ${text}`;
}

/** Digits of the absolute value, rounded: whole part and fraction. */
function digitsOf(
  value: SqlNumber,
  fractionDigits: number,
): { whole: string; fraction: string; isZero: boolean } {
  const rounded = roundDecimal(value, fractionDigits);
  const text =
    typeof rounded === 'bigint'
      ? String(rounded < 0n ? -rounded : rounded)
      : Math.abs(rounded) < 1e21
        ? Math.abs(rounded).toFixed(Math.min(fractionDigits, 100))
        : BigInt(Math.abs(rounded)).toString();
  const [whole, fraction = ''] = text.split('.');
  return {
    whole: whole === '0' ? '' : whole,
    fraction: fraction.padEnd(fractionDigits, '0'),
    isZero: Number(rounded) === 0,
  };
}

function decimalToChar(value: SqlNumber, format: NumberFormat): string {
  const { tokens, fill, integerDigits, fractionDigits, shift } = format;
  const scaled = shift > 0 ? roundDecimal(Number(value) * 10 ** shift, 0) : value;
  const isSpecial = typeof scaled === 'number' && !Number.isFinite(scaled);
  const digits = isSpecial ? { whole: '', fraction: '', isZero: false } : digitsOf(scaled, fractionDigits);
  const isNegative = scaled < 0 && !digits.isZero;
  const overflows = isSpecial || digits.whole.length > integerDigits;
  const firstZero = tokens
    .filter(({ kind }) => kind === 'digit')
    .findIndex((t) => t.kind === 'digit' && t.isZero);
  const state = {
    digits: overflows ? '#'.repeat(integerDigits) : digits.whole.padStart(integerDigits, ' '),
    fraction: overflows ? '#'.repeat(fractionDigits) : digits.fraction,
    firstZero: firstZero < 0 ? Number.POSITIVE_INFINITY : firstZero,
  };
  const body = renderTokens(format, state, isNegative, digits.whole);
  return finish(format, body, isNegative, fill);
}

interface RenderState {
  readonly digits: string;
  readonly fraction: string;
  readonly firstZero: number;
}

/** A sign that is not placed by the pattern stands before the first digit: marked by \u0001 here. */
const SIGN_PLACE = '\u0001';

function renderTokens(format: NumberFormat, state: RenderState, isNegative: boolean, whole: string): string {
  const { tokens, fill, integerDigits } = format;
  const lastKept = fill ? lastFractionDigit(format, state.fraction) : state.fraction.length;
  let out = '';
  let index = 0;
  let hasStarted = false;
  let isFraction = false;
  const start = (): void => {
    if (!hasStarted) out += SIGN_PLACE;
    hasStarted = true;
  };
  for (const token of tokens) {
    switch (token.kind) {
      case 'digit': {
        if (isFraction) {
          const place = index - integerDigits;
          if (place < lastKept) out += state.fraction[place];
        } else {
          const digit = state.digits[index];
          if (digit !== ' ') {
            start();
            out += digit;
          } else if (index >= state.firstZero) {
            start();
            out += '0';
          } else if (index === integerDigits - 1 && format.fractionDigits === 0) {
            start();
            out += '0';
          } else if (!fill) out += ' ';
        }
        index++;
        break;
      }
      case 'point':
        start();
        isFraction = true;
        if (!(fill && format.fractionDigits === 0)) out += '.';
        break;
      case 'group':
        if (hasStarted) out += ',';
        else if (!fill) out += ' ';
        break;
      case 'text':
        out += token.text;
        break;
      case 'ordinal':
        if (!isNegative) out += ordinalOf(whole, token.text);
        break;
      case 'currency':
        // Locale C has no currency symbol.
        out += ' ';
        break;
      case 'minus':
        out += isNegative ? '-' : fill ? '' : ' ';
        break;
      case 'plus':
        out += isNegative ? (fill ? '' : ' ') : '+';
        break;
      case 'plusMinus':
        out += isNegative ? '-' : '+';
        break;
      case 'sign':
        // At the end it stands there; at the front it is anchored to the number.
        if (hasStarted) out += isNegative ? '-' : '+';
        break;
    }
  }
  return out;
}

/** FM drops zeros at the end, as far as the pattern has nines there. */
function lastFractionDigit(format: NumberFormat, fraction: string): number {
  const places = format.tokens.filter((token) => token.kind === 'digit').slice(format.integerDigits);
  let last = fraction.length;
  while (last > 0 && fraction[last - 1] === '0') {
    const place = places[last - 1];
    const laterZero = places.slice(last - 1).some((token) => token.kind === 'digit' && token.isZero);
    if (place === undefined || laterZero) break;
    last--;
  }
  return last;
}

function ordinalOf(whole: string, text: string): string {
  const lastTwo = Number(whole.slice(-2));
  const suffix = lastTwo > 10 && lastTwo < 20 ? 'th' : (['th', 'st', 'nd', 'rd'][lastTwo % 10] ?? 'th');
  return text === text.toUpperCase() ? suffix.toUpperCase() : suffix;
}

function finish(format: NumberFormat, body: string, isNegative: boolean, fill: boolean): string {
  const kinds = format.tokens.map(({ kind }) => kind);
  const firstDigit = kinds.indexOf('digit');
  const signAt = kinds.indexOf('sign');
  const isPlaced = kinds.some((kind) => kind === 'minus' || kind === 'plusMinus');
  if (signAt >= 0) {
    const isLeading = signAt < firstDigit || firstDigit < 0;
    return body.replace(SIGN_PLACE, isLeading ? (isNegative ? '-' : '+') : '');
  }
  if (format.brackets) {
    const text = body.replace(SIGN_PLACE, isNegative ? '<' : fill ? '' : ' ');
    return isNegative ? `${text}>` : fill ? text : `${text} `;
  }
  if (isPlaced) return body.replace(SIGN_PLACE, '');
  return body.replace(SIGN_PLACE, isNegative ? '-' : fill ? '' : ' ');
}
