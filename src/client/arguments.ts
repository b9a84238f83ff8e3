/**
 * What callers may get wrong where no compiler looks, said as a sentence before a kernel is asked with nonsense: `ERR_ARGUMENT`.
 */
import { SkepError } from '../base/errors.ts';

const MAX_U32 = 0xffff_ffff;

function wrong(what: string, wants: string, value: unknown): never {
  throw new SkepError('ERR_ARGUMENT', `${what} ${wants}, not ${spelled(value)}`);
}

/** The value, which has to be bytes. `what`: `a key of map 'points'`. */
export function bytes(what: string, value: unknown): Uint8Array {
  return value instanceof Uint8Array ? value : wrong(what, 'is a Uint8Array', value);
}

/** The value, which has to be a whole number from 0 on that the kernel can hold. */
export function wholeNumber(what: string, value: unknown, most = MAX_U32): number {
  if (typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= most) return value;
  return wrong(what, `is a whole number from 0 to ${most}`, value);
}

/** The same; 0 where it is left out. */
export function numberOrZero(what: string, value: unknown, most = MAX_U32): number {
  return value === undefined ? 0 : wholeNumber(what, value, most);
}

export function signedNumber(what: string, value: unknown): number {
  if (typeof value === 'number' && Number.isInteger(value) && value >= -(2 ** 31) && value < 2 ** 31) return value;
  return wrong(what, `is a whole number from ${-(2 ** 31)} to ${2 ** 31 - 1}`, value);
}

export function oneOf<T extends string>(what: string, value: T, all: readonly string[]): T {
  return all.includes(value) ? value : wrong(what, `is one of ${all.join(', ')}`, value);
}

export function text(what: string, value: unknown): string {
  if (typeof value !== 'string') wrong(what, 'is a string', value);
  if (value.includes('\0')) wrong(what, 'has no zero in it', value);
  return value;
}

/** A name as the kernel keeps it; '' where it is left out. */
export function objectName(what: string, value: unknown): string {
  if (value === undefined) return '';
  const fits = typeof value === 'string' && /^[\w.]{0,15}$/.test(value);
  return fits ? value : wrong(what, 'is at most 15 letters, digits, _ and .', value);
}

/** The row of a table by its name, or the number that stands for it. */
export function numberOf(
  what: string,
  value: unknown,
  rows: Readonly<Record<string, { readonly id: number }>>,
): number {
  if (typeof value === 'number') return wholeNumber(what, value);
  const row = typeof value === 'string' && Object.hasOwn(rows, value) ? rows[value] : undefined;
  return row?.id ?? wrong(what, `is one of ${Object.keys(rows).join(', ')}, or a number`, value);
}

/** Something to go through. */
export function list<T extends Iterable<unknown>>(what: string, value: T): T {
  const many =
    typeof value === 'object' && value !== null && Symbol.iterator in value && !(value instanceof Uint8Array);
  return many ? value : wrong(what, 'is an array or something else to go through', value);
}

export function record(what: string, value: unknown): object {
  return typeof value === 'object' && value !== null ? value : wrong(what, 'is an object', value);
}

/** As an error shows it: short, whatever it is. */
function spelled(value: unknown): string {
  if (typeof value === 'string') return value.length > 40 ? `'${value.slice(0, 40)}…'` : `'${value}'`;
  if (typeof value !== 'object' || value === null) return String(value);
  return Array.isArray(value) ? 'an array' : `${value.constructor?.name ?? 'an object'}`;
}
