import { endpoint } from '../contract/endpoint.ts';
import type { Submission } from '../jobs/submission.ts';
import type { AppContext } from './app-env.ts';
import type { RequestOptions } from './request-options.ts';

/** A submission as this caller made it. */
export function submissionOf(
  c: AppContext,
  surface: 'run' | 'queue',
  input: unknown,
  { lifecycle, retries, tags, ...options }: RequestOptions,
): Submission {
  return {
    ...options,
    endpoint: endpoint.id,
    owner: c.var.caller.owner,
    surface,
    input,
    caller: { fileBase: c.var.sharedFileBase, ownHosts: c.var.ownHosts, lifecycle, tags, retries },
  };
}
