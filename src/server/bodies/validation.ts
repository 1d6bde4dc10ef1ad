import type { z } from 'zod';
import { RefusedBody } from './refused-body.ts';

/**
 * Checks a small body of ours against its schema.
 *
 * @throws RefusedBody naming every offending field
 */
export function checked<Value>(schema: z.ZodType<Value>, value: unknown): Value {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw RefusedBody.invalid(parsed.error.issues.map(({ path, message }) => ({ path: path.map(plainKey), message })));
}

function plainKey(key: PropertyKey): string | number {
  return typeof key === 'number' ? key : String(key);
}
