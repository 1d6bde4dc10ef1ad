import { z } from 'zod';
import { SoundstageError } from '../../shared/errors.ts';
import { failureOf } from './failures.ts';
import { downloadCancelled, TransientError } from './retry.ts';
import type { HubSettings } from './settings.ts';

/** One file of one commit: what is needed to fetch and to verify it. */
export interface RemoteFile {
  readonly repo: string;
  readonly commit: string;
  readonly path: string;
  /** Bytes. */
  readonly size: number;
  /** 64 hex digits: SHA-256 of the content (LFS). 40 hex digits: git's SHA-1 of it. Names the blob in the cache. */
  readonly etag: string;
}

export interface Listing {
  readonly repo: string;
  readonly commit: string;
  readonly files: ReadonlyMap<string, { readonly size: number | undefined; readonly etag: string | undefined }>;
}

const modelInfoSchema = z.object({
  sha: z.string().regex(/^[0-9a-f]{40}$/),
  siblings: z.array(
    z.object({
      rfilename: z.string(),
      size: z.number().int().nonnegative().nullish(),
      blobId: z.string().nullish(),
      lfs: z.object({ sha256: z.string() }).nullish(),
    }),
  ),
});

/**
 * Lists the files of `repo` at `revision`.
 *
 * @throws SoundstageError, TransientError, as do the other requests
 */
export async function listFiles(
  settings: HubSettings,
  repo: string,
  revision: string,
  signal: AbortSignal,
): Promise<Listing> {
  const url = `${settings.endpoint}/api/models/${repo}/revision/${encodeURIComponent(revision)}?blobs=true`;
  const { response } = await request(settings, { url, method: 'GET', repo, signal });
  const info = modelInfoSchema.safeParse(await readJsonResponse(response, signal));
  if (!info.success) {
    throw new SoundstageError(
      'network',
      `${settings.endpoint} does not answer like a Hugging Face hub: correct HF_ENDPOINT`,
      {
        cause: info.error,
      },
    );
  }
  const files = info.data.siblings.map(({ rfilename, size, lfs, blobId }) => {
    return [rfilename, { size: size ?? undefined, etag: lfs?.sha256 ?? blobId ?? undefined }] as const;
  });
  return { repo, commit: info.data.sha, files: new Map(files) };
}

/** Asks for size and etag of one file; fails early where the repository is gated. */
export async function describeFile(
  settings: HubSettings,
  { repo, commit, files }: Listing,
  path: string,
  signal: AbortSignal,
): Promise<RemoteFile> {
  const url = fileUrl(settings, repo, commit, path);
  const { headers } = await request(settings, { url, method: 'HEAD', repo, path, signal });
  const listed = files.get(path);
  const etag = [linkedEtag(headers), listed?.etag].find((value) => value !== undefined && isContentHash(value));
  const length = headers.get('x-linked-size') ?? listed?.size ?? headers.get('content-length');
  if (etag === undefined || length === null || !Number.isSafeInteger(Number(length))) {
    throw new SoundstageError(
      'network',
      `${settings.endpoint} gives no size and hash for ${path} in ${repo}: correct HF_ENDPOINT`,
    );
  }
  return { repo, commit, path, size: Number(length), etag };
}

/** Opens the content of `file` from byte `from`; the answer is 206, or 200 where the server ignores ranges. */
export async function openFile(
  settings: HubSettings,
  file: RemoteFile,
  from: number,
  signal: AbortSignal,
): Promise<Response> {
  const { repo, path } = file;
  const url = fileUrl(settings, repo, file.commit, path);
  const range = from > 0 ? `bytes=${from}-` : undefined;
  const { response, headers } = await request(settings, { url, method: 'GET', repo, path, range, signal });
  // The file store's own ETag is not the content's hash, so `If-Range` cannot be used; the hub's answer is compared.
  const etag = linkedEtag(headers);
  if (etag !== undefined && isContentHash(etag) && etag !== file.etag) {
    await response.body?.cancel();
    throw new SoundstageError('network', `${path} in ${repo} changed on the hub meanwhile: run the same command again`);
  }
  return response;
}

interface HubRequest {
  readonly url: string;
  readonly method: 'GET' | 'HEAD';
  readonly repo: string;
  readonly path?: string | undefined;
  readonly range?: string | undefined;
  readonly signal: AbortSignal;
}

/** Follows redirects by hand: the token goes to the hub only, and a HEAD stops where the file store begins. */
async function request(
  settings: HubSettings,
  { url, method, repo, path, range, signal }: HubRequest,
): Promise<{ readonly response: Response /** of the hub's last answer */; readonly headers: Headers }> {
  const token = await settings.token();
  const hub = new URL(settings.endpoint).origin;
  let target = new URL(url);
  let headers: Headers | undefined;
  for (let redirects = 0; redirects < 10; redirects++) {
    const answeredByHub = target.origin === hub;
    const sent = new Headers({ 'user-agent': 'soundstage', 'accept-encoding': 'identity' });
    if (range !== undefined) sent.set('range', range);
    if (answeredByHub && token !== undefined) sent.set('authorization', `Bearer ${token}`);
    const response = await send(target, { method, headers: sent, redirect: 'manual', signal });
    if (answeredByHub) headers = response.headers;
    headers ??= response.headers;
    const location = response.headers.get('location');
    if (response.status >= 300 && response.status < 400 && location !== null) {
      await response.body?.cancel();
      target = new URL(location, target);
      if (method === 'HEAD' && target.origin !== hub) return { response, headers };
      continue;
    }
    if (response.ok) return { response, headers };
    await response.body?.cancel();
    throw failureOf(response, {
      endpoint: settings.endpoint,
      repo,
      path,
      hasToken: token !== undefined,
      answeredByHub,
    });
  }
  throw new SoundstageError(
    'network',
    `${settings.endpoint} redirects in circles for ${path ?? repo}: correct HF_ENDPOINT`,
  );
}

async function send(url: URL, init: RequestInit & { readonly signal: AbortSignal }): Promise<Response> {
  try {
    return await fetch(url, init);
  } catch (error) {
    throw connectionError(error, init.signal, url.host);
  }
}

async function readJsonResponse(response: Response, signal: AbortSignal): Promise<unknown> {
  try {
    return await response.json();
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw connectionError(error, signal, 'the hub');
  }
}

/** What `fetch` or a body reader threw, as a TransientError, or a cancellation where `signal` caused it. */
export function connectionError(error: unknown, signal: AbortSignal, host: string): Error {
  if (signal.aborted) return signal.reason instanceof TransientError ? signal.reason : downloadCancelled(error);
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  const reason = cause instanceof Error ? cause.message || cause.name : String(cause);
  return new TransientError(`the connection to ${host} failed (${reason})`, { cause: error });
}

function fileUrl({ endpoint }: HubSettings, repo: string, commit: string, path: string): string {
  return `${endpoint}/${repo}/resolve/${commit}/${path.split('/').map(encodeURIComponent).join('/')}`;
}

function linkedEtag(headers: Headers): string | undefined {
  const etag = headers.get('x-linked-etag') ?? headers.get('etag');
  return etag?.replace(/^W\//, '').replaceAll('"', '').toLowerCase();
}

function isContentHash(text: string): boolean {
  return /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/.test(text);
}
