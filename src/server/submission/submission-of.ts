import type { ReceivedInput, Submission } from '../../jobs/request/submission.ts';
import type { AppContext } from '../app-env.ts';
import type { RequestOptions } from './request-options.ts';

/** A submission as this caller made it. */
export function submissionOf(
  c: AppContext,
  { endpoint, surface }: Pick<Submission, 'endpoint' | 'surface'>,
  { input, attachments }: ReceivedInput,
  { lifecycle, retries, tags, ...options }: RequestOptions,
): Submission {
  const fileBase = c.var.sharedFileBase;
  return {
    ...options,
    endpoint,
    owner: c.var.caller.owner,
    surface,
    input,
    attachments,
    caller: { fileBase, ownHosts: [...c.var.ownHosts, new URL(fileBase).host], lifecycle, tags, retries },
  };
}
