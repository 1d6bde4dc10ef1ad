import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { crc32, deflateRawSync } from 'node:zlib';

export interface TestWheel {
  readonly file: string;
  readonly bytes: Buffer;
}

/** A wheel with a record of its files. `recorded` is what the record says of some of them instead of the truth. */
export function testWheel(
  name: string,
  version: string,
  files: Readonly<Record<string, string | Buffer>>,
  { platform = 'manylinux_2_28_x86_64', recorded = {} }: WheelOptions = {},
): TestWheel {
  const title = `${name.replaceAll('-', '_')}-${version}`;
  const contents = Object.entries(files).map(([path, content]) => [path, Buffer.from(content)] as const);
  const record = contents.map(([path, content]) => {
    const hash = createHash('sha256').update(recorded[path] ?? content);
    return `${path},sha256=${hash.digest('base64url')},${content.length}\n`;
  });
  const own = `${title}.dist-info/RECORD`;
  const all = [...contents, [own, Buffer.from(`${record.join('')}${own},,\n`)] as const];
  return { file: `${title}-py3-none-${platform}.whl`, bytes: zip(all) };
}

interface WheelOptions {
  readonly platform?: string;
  readonly recorded?: Readonly<Record<string, string>>;
}

/** https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT, with as little as a reader needs. */
function zip(files: readonly (readonly [string, Buffer])[]): Buffer {
  const [bodies, directory]: [Buffer[], Buffer[]] = [[], []];
  let offset = 0;
  for (const [path, content] of files) {
    const name = Buffer.from(path);
    const packed = deflateRawSync(content);
    const shared = Buffer.alloc(26);
    shared.writeUInt16LE(20, 0);
    shared.writeUInt16LE(8, 4);
    shared.writeUInt32LE(crc32(content), 10);
    shared.writeUInt32LE(packed.length, 14);
    shared.writeUInt32LE(content.length, 18);
    shared.writeUInt16LE(name.length, 22);
    const body = Buffer.concat([Buffer.from('PK\x03\x04'), shared, name, packed]);
    const where = Buffer.alloc(14);
    where.writeUInt32LE(offset, 10);
    directory.push(Buffer.concat([Buffer.from('PK\x01\x02'), Buffer.from([20, 0]), shared, where, name]));
    bodies.push(body);
    offset += body.length;
  }
  const central = Buffer.concat(directory);
  const end = Buffer.alloc(18);
  end.writeUInt16LE(files.length, 4);
  end.writeUInt16LE(files.length, 6);
  end.writeUInt32LE(central.length, 8);
  end.writeUInt32LE(offset, 12);
  return Buffer.concat([...bodies, central, Buffer.from('PK\x05\x06'), end]);
}

interface SeenRequest {
  readonly method: string;
  readonly path: string;
  readonly range: string | undefined;
  readonly authorization: string | undefined;
}

/** A package index of Python, with a second server for the files as the real one has. */
export class TestIndex implements AsyncDisposable {
  /** By file name. */
  readonly wheels = new Map<string, Buffer>();
  readonly withdrawn = new Set<string>();
  readonly requests: SeenRequest[] = [];
  form: 'json' | 'html' = 'json';
  /** What the index says the hash of a file is; default the truth. */
  readonly hashes = new Map<string, string>();
  /** Bytes after which a connection is cut, the first time a file is asked for. */
  cutAfter: number | undefined;
  readonly #index: Server;
  readonly #files: Server;

  private constructor() {
    this.#index = createServer((request, response) => this.#answerIndex(request, response));
    this.#files = createServer((request, response) => this.#answerFile(request, response));
  }

  static async start(): Promise<TestIndex> {
    const index = new TestIndex();
    for (const server of [index.#index, index.#files]) {
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    }
    return index;
  }

  add(...wheels: readonly TestWheel[]): void {
    for (const { file, bytes } of wheels) this.wheels.set(file, bytes);
  }

  get url(): string {
    return `http://127.0.0.1:${portOf(this.#index)}/simple`;
  }

  /** Requests for content. */
  get fetches(): readonly SeenRequest[] {
    return this.requests.filter(({ method, path }) => method === 'GET' && path.endsWith('.whl'));
  }

  #answerIndex(request: IncomingMessage, response: ServerResponse): void {
    this.#note(request);
    const project = /^\/simple\/([^/]+)\/$/.exec(request.url ?? '')?.[1];
    const names = [...this.wheels.keys()].filter((file) => file.startsWith(`${project?.replaceAll('-', '_')}-`));
    if (names.length === 0) return void response.writeHead(404).end();
    const files = names.map((filename) => ({
      filename,
      url: `http://127.0.0.1:${portOf(this.#files)}/packages/${filename}`,
      hash: this.hashes.get(filename) ?? sha256(this.wheels.get(filename)),
      size: this.wheels.get(filename)?.length,
    }));
    if (this.form === 'html') {
      const links = files.map(({ filename, url, hash }) => {
        const yanked = this.withdrawn.has(filename) ? ' data-yanked=""' : '';
        return `<a href="${url}#sha256=${hash}" data-requires-python="&gt;=3"${yanked}>${filename}</a><br/>`;
      });
      return void response.writeHead(200, { 'content-type': 'text/html' }).end(links.join('\n'));
    }
    const body = files.map(({ hash, ...file }) => ({
      ...file,
      hashes: { sha256: hash },
      yanked: this.withdrawn.has(file.filename) && 'broken',
    }));
    const headers = { 'content-type': 'application/vnd.pypi.simple.v1+json' };
    response.writeHead(200, headers).end(JSON.stringify({ meta: { 'api-version': '1.1' }, files: body }));
  }

  #answerFile(request: IncomingMessage, response: ServerResponse): void {
    this.#note(request);
    const bytes = this.wheels.get(request.url?.split('/').at(-1) ?? '');
    if (bytes === undefined) return void response.writeHead(404).end();
    const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0);
    const range = from > 0 ? { 'content-range': `bytes ${from}-${bytes.length - 1}/${bytes.length}` } : {};
    response.writeHead(from > 0 ? 206 : 200, { 'content-length': bytes.length - from, ...range });
    if (request.method === 'HEAD') return void response.end();
    if (this.cutAfter === undefined) return void response.end(bytes.subarray(from));
    response.write(bytes.subarray(from, this.cutAfter), () => response.destroy());
    this.cutAfter = undefined;
  }

  #note({ method = '', url = '', headers: { range, authorization } }: IncomingMessage): void {
    this.requests.push({ method, path: url, range, authorization });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const server of [this.#index, this.#files]) {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    }
  }
}

function portOf(server: Server): number {
  return (server.address() as AddressInfo).port;
}

function sha256(bytes: Buffer | undefined): string {
  return createHash('sha256')
    .update(bytes ?? '')
    .digest('hex');
}
