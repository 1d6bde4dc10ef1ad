/** A file in a repository on the model hub. */
export interface HubReference {
  /** `owner/name` */
  readonly repo: string;
  readonly revision: string;
  /** Path in the repository, where the reference names one. */
  readonly file: string | undefined;
}

const repoPattern = /^[A-Za-z0-9][\w.-]{0,95}\/[A-Za-z0-9][\w.-]{0,95}$/;
const revisionPattern = /^[A-Za-z0-9][\w.-]*(?:\/[A-Za-z0-9][\w.-]*)*$/;

/** Reads `owner/repo` or `owner/repo@revision`. */
export function parseHubReference(text: string): HubReference | undefined {
  const [repo = '', revision = 'main', ...rest] = text.split('@');
  return rest.length === 0 ? reference(repo, revision, undefined) : undefined;
}

/** Reads a link to a safetensors file on the hub's pages, `…/owner/repo/blob/main/x.safetensors`, or to its content (`resolve`). */
export function parseHubUrl(text: string, endpoint: string): HubReference | undefined {
  const url = URL.parse(text);
  if (url === null || ![new URL(endpoint).origin, 'https://huggingface.co', 'https://hf.co'].includes(url.origin)) {
    return undefined;
  }
  const match = /^\/([^/]+\/[^/]+)\/(?:blob|resolve)\/([^/]+)\/(.+\.safetensors)$/.exec(url.pathname);
  const [, repo, revision, file] = match?.map(decoded) ?? [];
  return repo === undefined || revision === undefined ? undefined : reference(repo, revision, file);
}

/** Neither may lead out of the hub's paths, or out of the cache's folders made from them. */
function reference(repo: string, revision: string, file: string | undefined): HubReference | undefined {
  const safe = repoPattern.test(repo) && revisionPattern.test(revision) && revision.length <= 200;
  return safe ? Object.freeze({ repo, revision, file }) : undefined;
}

function decoded(part: string): string | undefined {
  try {
    return decodeURIComponent(part);
  } catch (error) {
    if (error instanceof URIError) return undefined;
    throw error;
  }
}
