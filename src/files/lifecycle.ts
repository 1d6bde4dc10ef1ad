import { z } from 'zod';
import type { AccessDecision, AccessRule, Lifecycle } from '../database/json-columns.ts';
import { SoundstageError } from '../shared/errors.ts';

const decisions = ['allow', 'forbid', 'hide'] as const satisfies readonly AccessDecision[];

/** Who may read a file besides its owner; rules win over the default. */
export interface AccessControl {
  readonly default: AccessDecision;
  readonly rules: readonly AccessRule[];
}

/** A hundred years, which dates can still express. */
const maxSeconds = 100 * 365 * 86_400;

const decision = z.enum(decisions, { error: `must be one of ${decisions.join(', ')}` });

/** Databases keep neither NUL characters nor half a surrogate pair. */
const user = z
  .string()
  .min(1)
  .max(256)
  .refine((id) => id.isWellFormed() && !id.includes('\0'), 'must be without NUL characters and unpaired surrogates');

/** Rules may come without a default. */
const accessSchema = z.object({
  default: decision.default('allow'),
  rules: z
    .array(z.object({ user, decision }))
    .max(100)
    .nullish()
    .transform((rules) => rules ?? []),
});

const lifecycleSchema = z.object({
  expiration_duration_seconds: z
    .number({ error: 'must be a number of seconds' })
    .positive('must be more than 0 seconds')
    .max(maxSeconds, `must be at most ${maxSeconds} seconds`)
    .nullish(),
  initial_acl: accessSchema.nullish().transform((access) => access ?? undefined),
});

/**
 * Reads the value of an `X-Fal-Object-Lifecycle` header.
 *
 * @throws SoundstageError `input` (`bad_request`) saying what is wrong with it
 */
export function parseLifecycle(text: string): Lifecycle {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new SoundstageError('input', 'X-Fal-Object-Lifecycle is not JSON', { type: 'bad_request', cause });
  }
  return validated(lifecycleSchema, value, 'X-Fal-Object-Lifecycle');
}

/** @throws SoundstageError `input` (`bad_request`) saying what is wrong with it */
export function parseAccessControl(value: unknown): AccessControl {
  return validated(accessSchema, value, 'The access control list');
}

function validated<T>(schema: z.ZodType<T>, value: unknown, name: string): T {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const path = issue?.path.join('.') ?? '';
  const place = path === '' ? '' : `: ${path}`;
  throw new SoundstageError('input', `${name} is not usable${place} (${issue?.message})`, {
    type: 'bad_request',
    cause: parsed.error,
  });
}
