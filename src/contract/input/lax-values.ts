/** What became of a JSON value that was to be a number or a boolean. */
export type LaxResult<Value> =
  | { readonly ok: true; readonly value: Value }
  | { readonly ok: false; readonly type: string; readonly msg: string };

type Scalar = 'integer' | 'number' | 'boolean';

const integerText = /^[+-]?\d+(?:_\d+)*(?:\.0+)?$/;
const numberText = /^[+-]?(?:\d+(?:_\d+)*(?:\.(?:\d+(?:_\d+)*)?)?|\.\d+(?:_\d+)*)(?:e[+-]?\d+(?:_\d+)*)?$/i;
const infiniteText = /^[+-]?(?:inf(?:inity)?|nan)$/i;
const trueTexts: readonly string[] = ['1', 'on', 't', 'true', 'y', 'yes'];
const falseTexts: readonly string[] = ['0', 'off', 'f', 'false', 'n', 'no'];
/** Python refuses to parse longer ones. */
const maxDigits = 4300;

/**
 * Reads a value as the hosted endpoint does (pydantic's lax mode): numbers and booleans may come as text, whole numbers
 * as fractions of zero, booleans as 0 and 1 and the other way round. Unlike there, NaN and infinity are refused.
 */
export function laxScalar(kind: Scalar, given: unknown): LaxResult<number | boolean> {
  return { integer: laxInteger, number: laxNumber, boolean: laxBoolean }[kind](given);
}

function laxInteger(given: unknown): LaxResult<number> {
  if (typeof given === 'boolean') return accepted(Number(given));
  if (typeof given === 'number') return wholeNumber(given);
  if (typeof given !== 'string') return refused('int_type', 'a valid integer');
  const text = given.trim();
  if (!integerText.test(text)) {
    return refused('int_parsing', 'a valid integer, unable to parse string as an integer');
  }
  if (text.length > maxDigits) return tooManyDigits;
  return accepted(safe(Number(text.replaceAll('_', ''))));
}

function wholeNumber(given: number): LaxResult<number> {
  if (!Number.isFinite(given)) return refused('finite_number', 'a finite number');
  if (Number.isInteger(given)) return accepted(safe(given));
  return refused('int_from_float', 'a valid integer, got a number with a fractional part');
}

function laxNumber(given: unknown): LaxResult<number> {
  if (typeof given === 'boolean') return accepted(Number(given));
  if (typeof given === 'number') return finite(given);
  if (typeof given !== 'string') return refused('float_type', 'a valid number');
  const text = given.trim();
  if (infiniteText.test(text)) return finite(Number.NaN);
  if (numberText.test(text)) return finite(Number(text.replaceAll('_', '')));
  return refused('float_parsing', 'a valid number, unable to parse string as a number');
}

function laxBoolean(given: unknown): LaxResult<boolean> {
  if (typeof given === 'boolean') return accepted(given);
  if (given === 0 || given === 1) return accepted(given === 1);
  const text = typeof given === 'string' ? given.toLowerCase() : undefined;
  if (text !== undefined && trueTexts.includes(text)) return accepted(true);
  if (text !== undefined && falseTexts.includes(text)) return accepted(false);
  if (text === undefined && !Number.isSafeInteger(given)) return refused('bool_type', 'a valid boolean');
  return refused('bool_parsing', 'a valid boolean, unable to interpret input');
}

const tooManyDigits: LaxResult<never> = Object.freeze({
  ok: false,
  type: 'int_parsing_size',
  msg: 'Unable to parse input string as an integer, exceeded maximum size',
});

function finite(value: number): LaxResult<number> {
  return Number.isFinite(value) ? accepted(value) : refused('finite_number', 'a finite number');
}

/** No field accepts numbers of that size, so it does not matter which one it is. */
function safe(value: number): number {
  const bounded = Math.min(Number.MAX_SAFE_INTEGER, Math.max(Number.MIN_SAFE_INTEGER, value));
  return bounded === 0 ? 0 : bounded;
}

function accepted<Value>(value: Value): LaxResult<Value> {
  return { ok: true, value };
}

function refused(type: string, what: string): LaxResult<never> {
  return { ok: false, type, msg: `Input should be ${what}` };
}
