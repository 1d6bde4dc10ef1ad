import { SoundstageError } from '../shared/errors.ts';

/** The error of a request that the safety checker refuses, blamed on `field`. */
export function contentPolicyViolation(what: string, field: string): SoundstageError {
  const advice = field === 'prompt' ? 'change the prompt' : 'choose another picture';
  return new SoundstageError('input', `${what}; the safety checker refuses that: ${advice}`, {
    field,
    type: 'content_policy_violation',
  });
}
