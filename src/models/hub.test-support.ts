import { createHash, randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { elementAt } from '../shared/element-at.ts';

interface TestRepo {
  readonly commit: string;
  readonly files: Map<string, Buffer>;
  /** Answers need `Authorization: Bearer testToken`. */
  gated?: boolean;
}

interface SeenRequest {
  readonly server: 'hub' | 'cdn';
  readonly method: string;
  readonly url: string;
  /** Path of the file asked for, where one was. */
  readonly file: string | undefined;
  readonly authorization: string | undefined;
  readonly range: string | undefined;
}

/** What goes wrong with one answer that carries content. */
interface Fault {
  readonly status?: number;
  readonly headers?: Record<string, string>;
  /** Ends the connection after so many bytes of this answer. */
  readonly cutAfter?: number;
  /** Sends so many bytes and then nothing, on an open connection. */
  readonly stallAfter?: number;
  readonly corrupt?: boolean;
  readonly ignoreRange?: boolean;
  /** Milliseconds before the answer. */
  readonly delay?: number;
  /** Sends `Content-Range` and content from another place. */
  readonly shift?: number;
}

export const testToken = 'hf_testtoken';

/** A hub for tests: speaks the Hugging Face hub's routes on 127.0.0.1, with a second port as the file store. */
export class TestHub implements AsyncDisposable {
  readonly repos = new Map<string, TestRepo>();
  /** Old name to new name of repositories that have moved. */
  readonly moved = new Map<string, string>();
  readonly requests: SeenRequest[] = [];
  /** Bytes of content that left, by file path. */
  readonly served = new Map<string, number>();
  /** Says what goes wrong with the n-th (from 1) content answer for a file. */
  fault: (file: string, count: number) => Fault | undefined = () => undefined;
  /** Says what goes wrong with the n-th (from 1) answer of any other route. */
  apiFault: (url: string, count: number) => Fault | undefined = () => undefined;
  /** Overrides the size told for a file. */
  claimedSize: number | undefined;
  readonly #counts = new Map<string, number>();
  readonly #hub: Server;
  readonly #cdn: Server;

  private constructor() {
    this.#hub = createServer((request, response) => void this.#answerHub(request, response));
    this.#cdn = createServer((request, response) => void this.#answerCdn(request, response));
  }

  static async start(): Promise<TestHub> {
    const hub = new TestHub();
    for (const server of [hub.#hub, hub.#cdn]) {
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    }
    return hub;
  }

  get endpoint(): string {
    return urlOf(this.#hub);
  }

  add(repo: string, files: Record<string, Buffer | string>): TestRepo {
    const entries = Object.entries(files).map(([path, content]) => [path, Buffer.from(content as string)] as const);
    const added: TestRepo = { commit: createHash('sha1').update(repo).digest('hex'), files: new Map(entries) };
    this.repos.set(repo, added);
    return added;
  }

  /** Content requests for a file, in order. */
  requestsFor(file: string): readonly SeenRequest[] {
    return this.requests.filter((request) => request.file === file && request.method === 'GET');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const server of [this.#hub, this.#cdn]) {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    }
  }

  async #answerHub(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = request.url ?? '/';
    const resolved = /^\/([^/]+\/[^/]+)\/resolve\/([^/]+)\/([^?]+)/.exec(url);
    const file = resolved?.[3] === undefined ? undefined : decodeURIComponent(resolved[3]);
    this.#see('hub', request, file);
    const method = request.method ?? 'GET';
    const fault = this.apiFault(url, this.#count(`${method} ${url}`));
    if (fault?.status !== undefined) return void response.writeHead(fault.status, fault.headers).end();
    const listed = /^\/api\/models\/([^/]+\/[^/]+)\/revision\/main/.exec(url);
    const name = resolved?.[1] ?? listed?.[1] ?? '';
    const newName = this.moved.get(name);
    if (newName !== undefined) return void response.writeHead(307, { location: url.replace(name, newName) }).end();
    const repo = this.repos.get(name);
    if (repo === undefined) return void response.writeHead(401, { 'x-error-code': 'RepoNotFound' }).end();
    if (file === undefined) return void response.end(JSON.stringify(modelInfo(repo)));
    if (repo.gated && request.headers.authorization !== `Bearer ${testToken}`) {
      return void response.writeHead(request.headers.authorization ? 403 : 401, { 'x-error-code': 'GatedRepo' }).end();
    }
    const content = repo.files.get(file);
    if (content === undefined) return void response.writeHead(404, { 'x-error-code': 'EntryNotFound' }).end();
    const headers = { 'x-repo-commit': repo.commit, etag: `"${etagOf(file, content)}"` };
    if (!isLfs(file)) {
      if (method === 'HEAD')
        return void response.writeHead(200, { ...headers, 'content-length': content.length }).end();
      return this.#sendContent(request, response, file, content, headers);
    }
    response
      .writeHead(302, {
        ...headers,
        etag: '"not-the-content-hash"',
        'x-linked-etag': `"${etagOf(file, content)}"`,
        'x-linked-size': this.claimedSize ?? content.length,
        location: `${urlOf(this.#cdn)}/${name}/${file}?signature=${randomBytes(4).toString('hex')}`,
      })
      .end();
  }

  async #answerCdn(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const match = /^\/([^/]+\/[^/]+)\/([^?]+)/.exec(request.url ?? '');
    const file = decodeURIComponent(match?.[2] ?? '');
    this.#see('cdn', request, file);
    const content = this.repos.get(match?.[1] ?? '')?.files.get(file);
    if (content === undefined) return void response.writeHead(404).end();
    return this.#sendContent(request, response, file, content, { etag: '"multipart-7"' });
  }

  async #sendContent(
    request: IncomingMessage,
    response: ServerResponse,
    file: string,
    content: Buffer,
    headers: Record<string, string>,
  ): Promise<void> {
    const fault = this.fault(file, this.#count(file)) ?? {};
    if (fault.delay !== undefined) await sleep(fault.delay);
    if (fault.status !== undefined) return void response.writeHead(fault.status, fault.headers).end();
    const asked = fault.ignoreRange ? undefined : /^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1];
    const from = Number(asked ?? 0) + (fault.shift ?? 0);
    const body = Buffer.from(content.subarray(from));
    if (fault.corrupt) body[0] = elementAt(body, 0) ^ 1;
    response.writeHead(asked === undefined ? 200 : 206, {
      ...headers,
      'content-length': body.length,
      ...(asked === undefined ? {} : { 'content-range': `bytes ${from}-${content.length - 1}/${content.length}` }),
    });
    const sent = body.subarray(0, fault.cutAfter ?? fault.stallAfter);
    this.served.set(file, (this.served.get(file) ?? 0) + sent.length);
    // Slices with a pause, so that clients see a body that arrives bit by bit.
    for (let at = 0; at < sent.length; at += 1 << 18) {
      response.write(sent.subarray(at, at + (1 << 18)));
      await sleep(2);
    }
    if (fault.cutAfter !== undefined) response.destroy();
    else if (fault.stallAfter === undefined) response.end();
  }

  #see(server: 'hub' | 'cdn', { method = 'GET', url = '/', headers }: IncomingMessage, file: string | undefined): void {
    this.requests.push({ server, method, url, file, authorization: headers.authorization, range: headers.range });
  }

  #count(key: string): number {
    const count = (this.#counts.get(key) ?? 0) + 1;
    this.#counts.set(key, count);
    return count;
  }
}

/** As the hub names content: SHA-256 of large files, git's blob hash of small ones. */
export function etagOf(file: string, content: Buffer): string {
  if (isLfs(file)) return createHash('sha256').update(content).digest('hex');
  return createHash('sha1').update(`blob ${content.length}\0`).update(content).digest('hex');
}

/** A `.safetensors` file with one tensor of random bytes. */
export function randomSafetensors(bytes: number): Buffer {
  const header = Buffer.from(JSON.stringify({ w: { dtype: 'U8', shape: [bytes], data_offsets: [0, bytes] } }));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(header.length));
  return Buffer.concat([length, header, randomBytes(bytes)]);
}

function isLfs(file: string): boolean {
  return /(\.safetensors|tokenizer\.json)$/.test(file);
}

function modelInfo({ commit, files }: TestRepo): object {
  const siblings = [...files].map(([rfilename, content]) => ({ rfilename, size: content.length }));
  return { sha: commit, siblings };
}

function urlOf(server: Server): string {
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
