import { ApiError, createFalClient } from '@fal-ai/client';
import { signal } from '@preact/signals';
import { endpoint } from '../../../src/contract/endpoint.ts';

/** Where this server is, as the browser reaches it; ends with a slash. */
export const server = new URL('.', document.baseURI).href;

const storedKey = 'soundstage.key';

/** `id:secret` of the API key, or empty. */
export const apiKey = signal(localStorage.getItem(storedKey) ?? '');
/** Whether the server has asked for a key that it accepts. */
export const isKeyWanted = signal(false);

export function takeKey(key: string): void {
  apiKey.value = key.trim();
  isKeyWanted.value = false;
  if (apiKey.value === '') localStorage.removeItem(storedKey);
  else localStorage.setItem(storedKey, apiKey.value);
}

export const fal = createFalClient({
  credentials: () => apiKey.value || undefined,
  proxyUrl: `${server}fal/proxy`,
  suppressLocalCredentialsWarning: true,
});

/** A reply that says no, in the server's words. */
export class ServerError extends Error {
  override readonly name = 'ServerError';
}

/** Asks one of the server's own routes. @throws ServerError */
export async function ask(path: string, init: RequestInit = {}): Promise<Response> {
  const headers = new Headers(init.headers);
  if (apiKey.value !== '') headers.set('authorization', `Key ${apiKey.value}`);
  const reply = await fetch(new URL(path, server), { ...init, headers });
  if (reply.ok) return reply;
  if (reply.status === 401) isKeyWanted.value = true;
  throw new ServerError(await refusalOf(reply));
}

/** What went wrong, for a person; notices when a key is wanted. */
export function messageOf(error: unknown): string {
  if (error instanceof ApiError) {
    if (error.status === 401) isKeyWanted.value = true;
    const { detail } = (error.body ?? {}) as { detail?: unknown };
    return typeof detail === 'string' ? detail : error.message;
  }
  if (error instanceof TypeError) return 'The server cannot be reached. Is it running?';
  return error instanceof Error ? error.message : String(error);
}

export function requestPath(id: string, what: string): string {
  return `queue/${endpoint.app}/requests/${id}/${what}`;
}

/** Whether a URL names a file of this very server, which the page may read. */
export function isOwnUrl(url: string): boolean {
  return URL.parse(url)?.origin === new URL(server).origin;
}

/** The name a file of this server was uploaded with. */
export function fileName(url: string): string {
  const name = decodeURIComponent(new URL(url).pathname.split('/').at(-1) ?? '');
  return name.replace(/^[0-9a-f]{20,}[-_]/, '');
}

async function refusalOf(reply: Response): Promise<string> {
  const text = await reply.text();
  try {
    const { detail, error } = JSON.parse(text) as { detail?: unknown; error?: { message?: unknown } };
    return String(detail ?? error?.message ?? text);
  } catch {
    return text === '' ? `The server answered ${reply.status}` : text;
  }
}
