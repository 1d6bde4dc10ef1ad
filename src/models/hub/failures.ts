import { SoundstageError } from '../../shared/errors.ts';
import { TransientError } from './retry.ts';

export interface RequestFacts {
  readonly endpoint: string;
  readonly repo: string;
  /** Path of the file in the repository; undefined for the repository itself. */
  readonly path?: string | undefined;
  readonly hasToken: boolean;
  /** False once a redirect has led away from the hub. */
  readonly answeredByHub: boolean;
}

/** Turns an answer that is not a success into an error that says what to do. */
export function failureOf(response: Response, request: RequestFacts): Error {
  const { status, headers } = response;
  const code = headers.get('x-error-code');
  if (status === 408 || status === 429 || status >= 500) {
    const reason = status === 429 ? 'the server asks to slow down (HTTP 429)' : `the server answered HTTP ${status}`;
    return new TransientError(reason, { status, retryAfter: retryAfter(headers.get('retry-after')) });
  }
  if (status === 416) return new TransientError('the server has no such part of the file (HTTP 416)', { status });
  // Links to the file store are signed and expire; the hub gives a fresh one on the next try.
  if (!request.answeredByHub) return new TransientError(`the file store answered HTTP ${status}`, { status });
  if (code === 'GatedRepo') return gated(request);
  if (code === 'RevisionNotFound') return missing(`the hub has no such revision of ${request.repo}`);
  if (code === 'EntryNotFound' && request.path !== undefined) return missingFile(request);
  if (code === 'RepoNotFound') return missingRepo(request);
  if (status === 401 && request.hasToken) {
    return new SoundstageError('network', `the hub refused your token: correct or unset HF_TOKEN (or log in again)`);
  }
  if (status === 401 || status === 403) return gated(request);
  if (status === 404) return request.path === undefined ? missingRepo(request) : missingFile(request);
  return new SoundstageError('network', `the hub answered HTTP ${status} for ${describe(request)}`);
}

/** @param text a `Retry-After` header: seconds or a date. @returns milliseconds */
export function retryAfter(text: string | null): number | undefined {
  if (text === null) return undefined;
  const seconds = /^\d+$/.test(text.trim()) ? Number(text) : (Date.parse(text) - Date.now()) / 1000;
  return Number.isFinite(seconds) ? Math.max(0, seconds * 1000) : undefined;
}

function gated({ endpoint, repo, hasToken }: RequestFacts): SoundstageError {
  const page = `${endpoint}/${repo}`;
  const message = hasToken
    ? `${repo} is gated and your token has no access to it: open ${page} with the token's account and accept the license, and let the token read gated repositories`
    : `${repo} is gated: open ${page} and accept the license, make a token at ${endpoint}/settings/tokens, set HF_TOKEN to it, and run the same command again`;
  return new SoundstageError('network', message);
}

function missingRepo({ endpoint, repo }: RequestFacts): SoundstageError {
  return missing(`there is no repository ${repo} at ${endpoint}, or it is private and HF_TOKEN gives no access to it`);
}

function missingFile(request: RequestFacts): SoundstageError {
  return missing(`there is no file ${describe(request)} at ${request.endpoint}`);
}

function missing(message: string): SoundstageError {
  return new SoundstageError('weights', message);
}

function describe({ repo, path }: RequestFacts): string {
  return path === undefined ? repo : `${path} in ${repo}`;
}
