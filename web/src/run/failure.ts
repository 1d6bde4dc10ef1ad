import { ApiError } from '@fal-ai/client';
import { messageOf } from '../server/connection.ts';
import { cancelledStatus, fieldProblems, messageAbout, pathOf, problemIn } from '../server/refusal.ts';
import type { Failure } from './run-state.ts';

export function isCancellation(error: unknown): boolean {
  return error instanceof ApiError && error.status === cancelledStatus;
}

/** What a person is told about a run that failed: the message, and the fields it is about. */
export function failureOf(error: unknown): Failure {
  const body: unknown = error instanceof ApiError ? error.body : undefined;
  const fields = fieldProblems(body).map((problem) => [pathOf(problem), messageAbout(problem)] as const);
  if (fields.length === 0) return { message: messageOf(error), fields: {} };
  return { message: problemIn(body) ?? messageOf(error), fields: Object.fromEntries(fields) };
}
