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
  readonly least: number;
  readonly most: number;
}

/** Text of so many characters (code points) after trimming; the limits are not published. */
export function text({ least, most }: Limits) {
  return wellFormed(z.string().trim())
    .superRefine((value, context) => {
      const length = lengthUpTo(value, most);
      if (length < least) context.addIssue({ code: 'too_small', origin: 'string', minimum: least, inclusive: true });
      if (length > most) context.addIssue({ code: 'too_big', origin: 'string', maximum: most, inclusive: true });
    })
    .meta({ minLength: least, maxLength: most, published: {} });
}

/** An address or a name: text that is not empty, without what surrounds it. */
export function address() {
  return wellFormed(z.string().overwrite(trimInvisible).min(1)).meta({ published: {} });
}

/** As `address`, but it may be empty. */
export function optionalAddress() {
  return wellFormed(z.string().overwrite(trimInvisible));
}

export function integer({ least, most }: Limits) {
  return z.int().min(least).max(most);
}

export function number({ least, most }: Limits) {
  return z.number().min(least).max(most);
}

/** Half a surrogate pair is no character, and neither databases nor file systems take a NUL. */
function wellFormed(schema: z.ZodString): z.ZodString {
  return schema.refine((value) => value.isWellFormed() && !value.includes('\0'), {
    params: { type: 'string_unicode' },
    error: 'Input should be a valid string, without NUL characters and unpaired surrogates',
    abort: true,
  });
}

function lengthUpTo(value: string, most: number): number {
  // A character takes one or two code units.
  return value.length <= most || value.length > 2 * most ? value.length : [...value].length;
}
