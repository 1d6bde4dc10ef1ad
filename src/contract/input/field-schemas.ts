import { z } from 'zod';
import { trimInvisible } from '../../shared/trim.ts';

declare module 'zod' {
  interface GlobalMeta {
    /** Accepts null, which means absent. */
    nullable?: boolean;
    /** The published limits, where they differ from what is served; empty where none are published. */
    published?: Readonly<Record<string, number>>;
  }
}

interface Limits {
  readonly min: number;
  readonly max: number;
}

/** Text of so many characters (code points) after trimming; the limits are not published. */
export function text({ min, max }: Limits) {
  return wellFormed(z.string().trim())
    .superRefine((value, context) => {
      const length = lengthUpTo(value, max);
      if (length < min) context.addIssue({ code: 'too_small', origin: 'string', minimum: min, inclusive: true });
      if (length > max) context.addIssue({ code: 'too_big', origin: 'string', maximum: max, inclusive: true });
    })
    .meta({ minLength: min, maxLength: max, published: {} });
}

/** An address or a name: text that is not empty, without what surrounds it. */
export function address() {
  return wellFormed(z.string().overwrite(trimInvisible).min(1)).meta({ published: {} });
}

/** As `address`, but it may be empty. */
export function optionalAddress() {
  return wellFormed(z.string().overwrite(trimInvisible));
}

export function integer({ min, max }: Limits) {
  return z.int().min(min).max(max);
}

export function number({ min, max }: Limits) {
  return z.number().min(min).max(max);
}

/** Half a surrogate pair is no character, and neither databases nor file systems take a NUL. */
function wellFormed(schema: z.ZodString): z.ZodString {
  return schema.refine((value) => value.isWellFormed() && !value.includes('\0'), {
    params: { type: 'string_unicode' },
    error: 'Input should be a valid string, without NUL characters and unpaired surrogates',
    abort: true,
  });
}

function lengthUpTo(value: string, max: number): number {
  // A character takes one or two code units.
  return value.length <= max || value.length > 2 * max ? value.length : [...value].length;
}
