import { ApiError } from '@fal-ai/client';
import { messageOf } from '../server/connection.ts';
import type { Failure } from './run-state.ts';

const cancelledStatus = 499;

interface FieldProblem {
  readonly loc: readonly (string | number)[];
  readonly msg: string;
}

export function isCancellation(error: unknown): boolean {
  return error instanceof ApiError && error.status === cancelledStatus;
}

/** What a person is told about a run that failed: the message, and the fields it is about. */
export function failureOf(error: unknown): Failure {
  const problems = error instanceof ApiError ? problemsOf(error.body) : [];
  if (problems.length === 0) return { message: messageOf(error), fields: {} };
  const fields = Object.fromEntries(problems.map(({ loc, msg }) => [pathOf(loc), msg]));
  return { message: problems.map(({ msg }) => msg).join(' '), fields };
}

function problemsOf(body: unknown): readonly FieldProblem[] {
  const { detail } = (body ?? {}) as { detail?: unknown };
  return Array.isArray(detail) ? (detail as FieldProblem[]) : [];
}

/** `['body', 'loras', 0, 'path']` → `loras.0.path` */
function pathOf(loc: readonly (string | number)[]): string {
  return loc.filter((part, index) => index > 0 || part !== 'body').join('.');
}
