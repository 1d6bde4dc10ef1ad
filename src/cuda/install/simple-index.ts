import { z } from 'zod';
import { connectionError } from '../../models/hub/client.ts';
import { retryAfter } from '../../models/hub/failures.ts';
import { type RetryPolicy, retrying, TransientError } from '../../models/hub/retry.ts';
import { Watchdog } from '../../models/hub/watchdog.ts';
import { SoundstageError } from '../../shared/errors.ts';
import { parseWheelName, type WheelName } from './wheel-name.ts';

/** A wheel that an index offers. */
export interface RemoteWheel extends WheelName {
  readonly url: string;
  /** SHA-256, 64 hex digits. */
  readonly hash: string;
  /** Bytes; undefined where the index does not tell. */
  readonly size: number | undefined;
}

const json = 'application/vnd.pypi.simple.v1+json';
const accepted = `${json}, application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.1`;
const sha256 = /^[0-9a-f]{64}$/;

const projectSchema = z.object({
  files: z.array(
    z.object({
      filename: z.string(),
      url: z.string(),
      hashes: z.record(z.string(), z.string()),
      size: z.number().int().positive().optional(),
      yanked: z.union([z.boolean(), z.string()]).optional(),
    }),
  ),
});

interface OfferedFile {
  readonly file: string;
  readonly url: string;
  readonly hash: string | undefined;
  readonly size: number | undefined;
  readonly isYanked: boolean;
}

/**
 * A package index of Python in its simple form, as JSON or HTML: https://packaging.python.org/specifications/simple-repository-api
 *
 * Its methods throw SoundstageError `network`, `input` where the index or what it offers is not what it should be, and `cancelled`.
 */
export class SimpleIndex {
  readonly url: string;
  readonly #authorization: string | undefined;
  readonly #retry: RetryPolicy;

  /** @param url may hold a user and a password */
  constructor(url: string, retry: RetryPolicy) {
    const parsed = URL.parse(url);
    if (parsed === null || !/^https?:$/.test(parsed.protocol)) {
      throw new SoundstageError('input', `the index ${url} is not an http(s) URL: change --index-url or PIP_INDEX_URL`);
    }
    const { username, password } = parsed;
    this.#authorization =
      username === '' ? undefined : basic(decodeURIComponent(username), decodeURIComponent(password));
    parsed.username = '';
    parsed.password = '';
    this.url = parsed.href.replace(/\/+$/, '');
    this.#retry = retry;
  }

  /** The wheels of a package that have a hash and were not withdrawn. */
  wheels(name: string, signal?: AbortSignal): Promise<readonly RemoteWheel[]> {
    return this.#retrying(`asking for ${name}`, signal, async (inner) => {
      const response = await this.#request(`${this.url}/${name}/`, { accept: accepted }, inner);
      if (response.status === 404) {
        await response.body?.cancel();
        throw new SoundstageError(
          'input',
          `the index ${this.url} has no package ${name}: choose another with --index-url`,
        );
      }
      requireSuccess(response);
      const text = await bodyOf(response, inner);
      const isJson = /json/.test(response.headers.get('content-type') ?? '');
      const files = isJson ? this.#readJson(text, response.url) : readHtml(text, response.url);
      return files.flatMap(({ file, url, hash, size, isYanked }) => {
        const wheel = parseWheelName(file);
        return wheel === undefined || isYanked || hash === undefined ? [] : [{ ...wheel, url, hash, size }];
      });
    });
  }

  /** Bytes of a wheel whose index does not tell. */
  sizeOf(wheel: RemoteWheel, signal?: AbortSignal): Promise<number> {
    return this.#retrying(`asking for ${wheel.file}`, signal, async (inner) => {
      const response = requireSuccess(await this.#request(wheel.url, {}, inner, 'HEAD'));
      const length = Number(response.headers.get('content-length') ?? Number.NaN);
      if (Number.isSafeInteger(length) && length > 0) return length;
      throw new SoundstageError(
        'network',
        `${this.url} does not tell the size of ${wheel.file}: choose another index with --index-url`,
      );
    });
  }

  /** The content of a wheel from byte `from`; 206, or 200 where the server ignores ranges. */
  async open(wheel: RemoteWheel, from: number, signal: AbortSignal): Promise<Response> {
    const response = await this.#request(wheel.url, from > 0 ? { range: `bytes=${from}-` } : {}, signal);
    if (response.status === 416) {
      await response.body?.cancel();
      throw new TransientError('the server has no such part of the file (HTTP 416)', { status: 416 });
    }
    return requireSuccess(response);
  }

  #retrying<T>(
    title: string,
    signal: AbortSignal | undefined,
    attempt: (signal: AbortSignal) => Promise<T>,
  ): Promise<T> {
    return retrying(title, this.#retry, signal, async () => {
      using watchdog = new Watchdog(this.#retry.stallTimeout, signal);
      return await attempt(watchdog.signal);
    });
  }

  async #request(
    url: string,
    headers: Readonly<Record<string, string>>,
    signal: AbortSignal,
    method = 'GET',
  ): Promise<Response> {
    const { host, origin } = new URL(url);
    // Files may be elsewhere, which the password is not for.
    const isOurs = this.#authorization !== undefined && origin === new URL(this.url).origin;
    const authorization = isOurs ? { authorization: this.#authorization } : {};
    const all = { 'user-agent': 'soundstage', 'accept-encoding': 'identity', ...authorization, ...headers };
    try {
      return await fetch(url, { method, headers: all, signal });
    } catch (error) {
      throw connectionError(error, signal, host);
    }
  }

  #readJson(text: string, base: string): readonly OfferedFile[] {
    const project = projectSchema.safeParse(parsed(text));
    if (!project.success) {
      const message = `${this.url} does not answer like a package index of Python: correct --index-url`;
      throw new SoundstageError('input', message, { cause: project.error });
    }
    return project.data.files.map(({ filename, url, hashes, size, yanked = false }) => {
      const hash = hashes.sha256 !== undefined && sha256.test(hashes.sha256) ? hashes.sha256 : undefined;
      return { file: filename, url: new URL(url, base).href, hash, size, isYanked: yanked !== false };
    });
  }
}

/** Links of a page; the hash is in the fragment of the address. */
function readHtml(text: string, base: string): readonly OfferedFile[] {
  return [...text.matchAll(/<a\s([^>]*)>/gi)].flatMap(([, attributes = '']) => {
    const [, , href] = /\bhref\s*=\s*(["'])(.*?)\1/i.exec(attributes) ?? [];
    const url = URL.parse((href ?? '').replaceAll('&amp;', '&'), base);
    if (href === undefined || url === null) return [];
    const [, hash] = /^#sha256=([0-9a-f]{64})$/.exec(url.hash) ?? [];
    url.hash = '';
    const file = decodeURIComponent(url.pathname.slice(url.pathname.lastIndexOf('/') + 1));
    return [{ file, url: url.href, hash, size: undefined, isYanked: /\bdata-yanked\b/i.test(attributes) }];
  });
}

function requireSuccess(response: Response): Response {
  const { ok, status, headers, url } = response;
  if (ok) return response;
  void response.body?.cancel();
  if (status === 408 || status === 429 || status >= 500) {
    throw new TransientError(`the server answered HTTP ${status}`, {
      status,
      retryAfter: retryAfter(headers.get('retry-after')),
    });
  }
  const { host } = new URL(url);
  const advice = status === 401 || status === 403 ? 'put user and password into --index-url' : 'correct --index-url';
  throw new SoundstageError('network', `${host} answered HTTP ${status}: ${advice}`);
}

async function bodyOf(response: Response, signal: AbortSignal): Promise<string> {
  try {
    return await response.text();
  } catch (error) {
    throw connectionError(error, signal, new URL(response.url).host);
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function basic(user: string, password: string): string {
  return `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
}
