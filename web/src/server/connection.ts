import { ApiError, createFalClient } from '@fal-ai/client';
import { effect, signal } from '@preact/signals';
import { appOf } from '../../../src/contract/endpoint-id.ts';
import { keyStorageName as storedKey } from '../../../src/contract/key-storage.ts';

/** Where this server is, as the browser reaches it; ends with a slash. */
export const server = new URL('.', document.baseURI).href;

/** Milliseconds before a server that is out of reach is asked again. */
const patience = 2000;

/** `id:secret` of the API key, or empty. */
export const apiKey = signal(localStorage.getItem(storedKey) ?? '');
/** Whether the server has asked for a key that it accepts. */
export const isKeyWanted = signal(false);
/** Why the key that was entered last is of no use; undefined: there was none, or it is. */
export const keyProblem = signal<string | undefined>(undefined);
/** How many keys were entered, the same one again included. */
const keysEntered = signal(0);

export function takeKey(key: string): void {
  apiKey.value = key.trim();
  isKeyWanted.value = false;
  keyProblem.value = undefined;
  keysEntered.value += 1;
  if (apiKey.value === '') localStorage.removeItem(storedKey);
  else localStorage.setItem(storedKey, apiKey.value);
}

function wantKey(refusal: string): void {
  if (apiKey.value !== '') keyProblem.value = `The server does not take this key: ${refusal}`;
  isKeyWanted.value = true;
}

/** A reply that says no, in the server's words. */
export class ServerError extends Error {
  override readonly name = 'ServerError';
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** The server is out of reach, or cannot answer now; that says nothing about what it was asked. */
export class OutageError extends Error {
  override readonly name = 'OutageError';
}

export const fal = createFalClient({
  credentials: () => apiKey.value || undefined,
  proxyUrl: `${server}fal/proxy`,
  suppressLocalCredentialsWarning: true,
  fetch: (input, init = {}) => reach(() => fetch(input, init), init.signal),
});

/**
 * Asks one of the server's own routes, or for one of its files, and reads the reply. @throws ServerError, OutageError
 */
export async function ask<Value>(
  path: string,
  read: (reply: Response) => Promise<Value>,
  init: RequestInit = {},
): Promise<Value> {
  const headers = new Headers(init.headers);
  if (apiKey.value !== '') headers.set('authorization', `Key ${apiKey.value}`);
  const reply = await reach(() => fetch(new URL(path, server), { ...init, headers }), init.signal);
  if (reply.ok) return await reach(() => read(reply), init.signal);
  const message = await reach(() => refusalOf(reply), init.signal);
  if (reply.status === 401) wantKey(message);
  const isOwn = reply.headers.get('content-type')?.includes('json') === true;
  if (!isOwn || isOutage(reply.status)) throw new OutageError(message);
  throw new ServerError(reply.status, message);
}

/**
 * Asks again and again until the server answers, be it with a refusal, or `signal` is aborted. `tell` is told why it
 * takes so long, and undefined once it is over. @throws what `question` throws, outages excepted
 */
export async function untilAnswered<Value>(
  question: () => Promise<Value>,
  tell: (reason: string | undefined) => void,
  signal?: AbortSignal,
): Promise<Value> {
  for (;;) {
    try {
      const answer = await question();
      tell(undefined);
      return answer;
    } catch (error) {
      signal?.throwIfAborted();
      const isLockedOut = (error instanceof ServerError || error instanceof ApiError) && error.status === 401;
      if (!isLockedOut && !isAway(error)) throw error;
      tell(messageOf(error));
      await (isLockedOut ? nextKey(signal) : pause(patience, signal));
      signal?.throwIfAborted();
    }
  }
}

/** Resolves after so many milliseconds, or when `signal` is aborted. */
export function pause(milliseconds: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, milliseconds);
    signal?.addEventListener('abort', () => {
      clearTimeout(timer);
      resolve();
    });
  });
}

/** What went wrong, for a person; notices when a key is wanted. */
export function messageOf(error: unknown): string {
  if (error instanceof ApiError) {
    const { detail } = (error.body ?? {}) as { detail?: unknown };
    const message = typeof detail === 'string' ? detail : error.message;
    if (error.status === 401) wantKey(message);
    return message;
  }
  return error instanceof Error ? error.message : String(error);
}

/** A request as its endpoint keeps it. */
export interface RequestName {
  readonly id: string;
  /** Id of the endpoint. */
  readonly endpoint: string;
}

export function requestPath({ id, endpoint }: RequestName, what: string): string {
  return `queue/${appOf(endpoint)}/requests/${id}/${what}`;
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

function isAway(error: unknown): boolean {
  // What is not JSON comes from something that stands before the server.
  const isRefusal = error instanceof ApiError && error.body !== undefined && !isOutage(error.status);
  return error instanceof OutageError || (error instanceof ApiError && !isRefusal);
}

/** Whether a status is that of a server that may answer the same question later. */
function isOutage(status: number): boolean {
  return status >= 500 || [408, 425, 429].includes(status);
}

async function reach<Value>(work: () => Promise<Value>, signal?: AbortSignal | null): Promise<Value> {
  try {
    return await work();
  } catch (cause) {
    const isTimeout = cause instanceof DOMException && cause.name === 'TimeoutError';
    if (signal?.aborted === true && !isTimeout) throw cause;
    throw new OutageError('The server cannot be reached. Is it running?', { cause });
  }
}

async function nextKey(signal?: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const before = keysEntered.value;
  const stop = effect(() => {
    if (keysEntered.value !== before) resolve();
  });
  signal?.addEventListener('abort', () => resolve());
  await promise;
  stop();
}

async function refusalOf(reply: Response): Promise<string> {
  const text = await reply.text();
  try {
    const { detail, error } = JSON.parse(text) as { detail?: unknown; error?: { message?: unknown } };
    return String(detail ?? error?.message ?? text);
  } catch {
    return text === '' || text.includes('<') ? `The server answered with status ${reply.status}.` : text;
  }
}
