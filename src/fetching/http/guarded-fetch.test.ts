import { randomBytes } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import type { LookupFunction } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { brotliCompressSync, constants, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib';
import { afterAll, expect, test } from 'vitest';
import { SoundstageError } from '../../shared/errors.ts';
import { serveHttp, serveTcp, writeEndlessly } from './file-server.test-support.ts';
import { type GuardedClientOptions, openGuardedClient } from './guarded-client.ts';
import { type GuardedFetchOptions, guardedFetch } from './guarded-fetch.ts';

const allowing = (options: GuardedClientOptions = {}) =>
  openGuardedClient({ allowPrivateHosts: ['127.0.0.1'], ...options });
const shared = allowing({ timeouts: { connect: 1000, headers: 1500, idle: 1000 } });
const strict = openGuardedClient();
afterAll(async () => {
  await shared[Symbol.asyncDispose]();
  await strict[Symbol.asyncDispose]();
});

const defaults: GuardedFetchOptions = { field: 'audio_url', maxBytes: 1_000_000, timeout: 20_000 };

async function read(url: string, options: Partial<GuardedFetchOptions> = {}, client = shared): Promise<Buffer> {
  await using response = await guardedFetch(client, url, { ...defaults, ...options });
  return Buffer.concat(await Array.fromAsync(response.body));
}

async function failure(work: Promise<unknown>): Promise<SoundstageError> {
  const error = await work.then(
    () => new Error('it succeeded'),
    (thrown: unknown) => thrown,
  );
  if (error instanceof SoundstageError) return error;
  throw error;
}

const downloadFailure = async (work: Promise<unknown>): Promise<string> => {
  const error = await failure(work);
  expect(error).toMatchObject({ kind: 'input', field: 'audio_url', type: 'file_download_error' });
  return error.message;
};

test('gives the content, what the server says about its version, and asks only once', async () => {
  let headers: IncomingHttpHeaders = {};
  await using server = await serveHttp((request, response) => {
    headers = request.headers;
    response.writeHead(200, { etag: '"v1"', 'last-modified': 'Mon, 01 Jan 2024 00:00:00 GMT', 'content-length': 5 });
    response.end('hello');
  });
  await using response = await guardedFetch(shared, `${server.url}/a?b=c#fragment`, defaults);
  expect(response).toMatchObject({ changed: true, size: 5 });
  expect(response.validators).toEqual({ etag: '"v1"', lastModified: 'Mon, 01 Jan 2024 00:00:00 GMT' });
  expect(Buffer.concat(await Array.fromAsync(response.body)).toString()).toBe('hello');
  expect(headers).not.toHaveProperty('authorization');
});

test('a version that is still current is not sent again', async () => {
  await using server = await serveHttp((request, response) => {
    response.writeHead(request.headers['if-none-match'] === '"v1"' ? 304 : 200).end();
  });
  await using response = await guardedFetch(shared, server.url, { ...defaults, known: { etag: '"v1"' } });
  expect(response.changed).toBe(false);
  await using other = await guardedFetch(shared, server.url, { ...defaults, known: { etag: '"v0"' } });
  expect(other.changed).toBe(true);
  expect(await downloadFailure(read((await brokenServer(304)).url))).toMatch(/304/);
});

const servers: AsyncDisposable[] = [];
afterAll(async () => {
  for (const server of servers) await server[Symbol.asyncDispose]();
});
async function brokenServer(status: number, headers: Record<string, string> = {}) {
  const server = await serveHttp((_request, response) => response.writeHead(status, headers).end('no'));
  servers.push(server);
  return server;
}

test.each([404, 410, 403, 401, 500, 503, 429, 204, 206, 418, 300])(
  'HTTP %i is an error that names it',
  async (status) => {
    const { url } = await brokenServer(status);
    expect(await downloadFailure(read(`${url}/secret?token=secret`))).toMatch(new RegExp(` ${status}\\b(?!.*secret)`));
  },
);

test.each([
  ...['ftp://host/x', 'file:///etc/passwd', 'javascript:alert(1)', 'http://', 'http:///', 'https://[::1', '', 'x'],
  ...['http://[fe80::1%25eth0]/', 'http://exa mple.com/', 'http://1.2.3.256/', 'gopher://127.0.0.1/'],
])('%s is not requested', async (url) => {
  expect(await downloadFailure(read(url))).toMatch(/not a valid http\(s\) URL/);
});

test.each([
  ...['http://127.0.0.1/', 'http://2130706433/', 'http://0x7f.1/', 'http://0177.0.0.1/', 'http://127.1/', 'http://0/'],
  ...['http://[::1]/', 'http://[::ffff:127.0.0.1]/', 'http://[::ffff:7f00:1]/', 'http://[64:ff9b::a9fe:a9fe]/'],
  ...['http://169.254.169.254/latest/meta-data/', 'https://10.0.0.1/', 'http://100.64.0.1/', 'http://127.0.0.1./'],
  ...['http://user:pass@127.0.0.1/', 'http://①②⑦.0.0.1/', 'http://localhost/'],
])('%s is a private address, in whatever notation', async (url) => {
  const message = await downloadFailure(read(url, {}, strict));
  expect(message).toMatch(/private network.*SOUNDSTAGE_ALLOW_PRIVATE_HOSTS/);
  expect(message).not.toContain('pass');
});

test('a redirect to a private address is refused, and nothing is sent there', async () => {
  let hits = 0;
  await using inner = await serveHttp((_request, response) => {
    hits++;
    response.end('secret');
  }, '127.0.0.2');
  for (const location of ['http://169.254.169.254/latest/', inner.url]) {
    await using server = await serveHttp((_request, response) => response.writeHead(302, { location }).end());
    expect(await downloadFailure(read(server.url))).toMatch(/private network/);
  }
  expect(hits).toBe(0);
});

test('redirects: relative ones, circles, endless ones, no target, other schemes', async () => {
  await using server = await serveHttp(({ url = '' }, response) => {
    const number = Number(url.slice(1));
    const location = {
      '/relative': '../end#x',
      '/circle': '/back',
      '/back': '/circle',
      '/file': 'file:///etc/passwd',
      '/nowhere': undefined,
      '/bad': 'http://[',
    }[url];
    if (url === '/end') response.end('here');
    else if (number >= 0) response.writeHead(307, { location: `/${number + 1}` }).end();
    else response.writeHead(301, location === undefined ? {} : { location }).end('moved');
  });
  expect((await read(`${server.url}/relative`)).toString()).toBe('here');
  expect(await downloadFailure(read(`${server.url}/circle`))).toMatch(/in circles/);
  expect(await downloadFailure(read(`${server.url}/0`))).toMatch(/more than 10 times/);
  for (const path of ['file', 'nowhere', 'bad']) {
    expect(await downloadFailure(read(`${server.url}/${path}`))).toMatch(/no http\(s\) URL/);
  }
});

test('credentials in a URL reach their own host only', async () => {
  const seen: (string | undefined)[] = [];
  const record = ({ headers }: { headers: IncomingHttpHeaders }): number => seen.push(headers.authorization);
  await using other = await serveHttp((request, response) => {
    record(request);
    response.end('content');
  });
  await using server = await serveHttp((request, response) => {
    record(request);
    response.writeHead(302, { location: request.url === '/a' ? '/b' : other.url }).end();
  });
  await read(`http://us%C3%A9r:p%3Ass@127.0.0.1:${server.port}/a`);
  const basic = `Basic ${Buffer.from('usér:p:ss').toString('base64')}`;
  expect(seen).toEqual([basic, basic, undefined]);
});

test('a name that changes its address between two connections gains nothing', async () => {
  let lookups = 0;
  const rebinding: LookupFunction = (_host, _options, callback) => {
    lookups++;
    // What a first check would see is public; what a second look-up would give is not.
    callback(null, lookups === 1 ? [{ address: '127.0.0.1', family: 4 }] : [{ address: '127.0.0.2', family: 4 }]);
  };
  await using client = allowing({ lookup: rebinding });
  await using server = await serveHttp((_request, response) => response.setHeader('connection', 'close').end('fine'));
  await using inner = await serveHttp((_request, response) => response.end('secret'), '127.0.0.2');
  expect((await read(`http://changing.example:${server.port}/`, {}, client)).toString()).toBe('fine');
  expect(lookups).toBe(1);
  expect(await downloadFailure(read(`http://changing.example:${inner.port}/`, {}, client))).toMatch(/private network/);
});

test('of several addresses of a name only the permitted ones are tried', async () => {
  const both: LookupFunction = (_host, _options, callback) =>
    callback(null, [
      { address: '127.0.0.2', family: 4 },
      { address: '127.0.0.1', family: 4 },
      { address: '::1', family: 6 },
    ]);
  await using client = allowing({ lookup: both });
  let hits = 0;
  await using server = await serveHttp((_request, response) => response.end('fine'));
  const inner = await serveHttp(() => hits++, '127.0.0.2');
  await using _inner = inner;
  expect((await read(`http://mixed.example:${server.port}/`, {}, client)).toString()).toBe('fine');
  await failure(read(`http://mixed.example:${inner.port}/`, {}, client));
  expect(hits).toBe(0);
});

test('IPv6 hosts are reached where the operator allows them', async () => {
  await using server = await serveHttp((_request, response) => response.end('six'), '::1');
  await using client = openGuardedClient({ allowPrivateHosts: ['::1'] });
  expect((await read(server.url, {}, client)).toString()).toBe('six');
  expect(await downloadFailure(read(server.url))).toMatch(/private network/);
});

test('proxies of the environment are not used', async () => {
  let proxied = 0;
  await using proxy = await serveHttp((_request, response) => {
    proxied++;
    response.end('proxied');
  });
  await using server = await serveHttp((_request, response) => response.end('direct'));
  process.env.HTTP_PROXY = process.env.http_proxy = proxy.url;
  try {
    await using client = allowing();
    expect((await read(server.url, {}, client)).toString()).toBe('direct');
  } finally {
    delete process.env.HTTP_PROXY;
    delete process.env.http_proxy;
  }
  expect(proxied).toBe(0);
});

test('no such host, and nobody there', async () => {
  expect(await downloadFailure(read('http://no-such-host.invalid/'))).toMatch(/no such host|cannot be resolved/);
  const server = await serveHttp(() => {});
  await server[Symbol.asyncDispose]();
  expect(await downloadFailure(read(server.url))).toMatch(/refuses connections/);
});

test('a slow answer, a body that stops and one that trickles for ever', async () => {
  await using server = await serveHttp(async ({ url }, response) => {
    if (url === '/silent') return;
    response.writeHead(200).write('x');
    while (url === '/drip' && !response.destroyed) {
      response.write('x');
      await sleep(50);
    }
  });
  expect(await downloadFailure(read(`${server.url}/silent`))).toMatch(/sent no answer/);
  expect(await downloadFailure(read(`${server.url}/stop`))).toMatch(/stopped sending/);
  const before = performance.now();
  expect(await downloadFailure(read(`${server.url}/drip`, { timeout: 600 }))).toMatch(/longer than 0.6 s/);
  expect(performance.now() - before).toBeLessThan(2000);
});

test('the caller can stop at any time', async () => {
  await using server = await serveHttp(({ url }, response) => {
    if (url === '/body') response.writeHead(200).write('x');
  });
  for (const path of ['headers', 'body']) {
    const controller = new AbortController();
    setTimeout(() => controller.abort(), 100);
    const error = await failure(read(`${server.url}/${path}`, { signal: controller.signal }));
    expect(error.kind).toBe('cancelled');
  }
  expect((await failure(read(server.url, { signal: AbortSignal.abort() }))).kind).toBe('cancelled');
});

test('more than allowed: told in advance, or only found on the way', async () => {
  let written = 0;
  await using server = await serveHttp(async ({ url }, response) => {
    if (url === '/told') return void response.writeHead(200, { 'content-length': 1_000_001 }).end();
    await writeEndlessly(response, Buffer.alloc(65_536), () => {
      written += 65_536;
    });
  });
  for (const path of ['told', 'endless']) {
    const error = await failure(read(`${server.url}/${path}`));
    expect(error).toMatchObject({ kind: 'input', type: 'file_too_large', context: { max_size: 1_000_000 } });
  }
  expect(written).toBeLessThan(20_000_000);
  await using exact = await serveHttp((_request, response) => response.end(Buffer.alloc(1_000_000)));
  expect(await read(exact.url)).toHaveLength(1_000_000);
});

test.each(['gzip', 'deflate', 'br', 'zstd', 'x-gzip', 'GZIP'])('%s is decompressed', async (coding) => {
  const content = Buffer.concat([randomBytes(1000), Buffer.alloc(100_000)]);
  await using server = await serveHttp((_request, response) => {
    response.writeHead(200, { 'content-encoding': coding }).end(compress(coding, content));
  });
  expect((await read(server.url)).equals(content)).toBe(true);
});

function compress(coding: string, content: Buffer): Buffer {
  if (coding === 'br') return brotliCompressSync(content, { params: { [constants.BROTLI_PARAM_QUALITY]: 5 } });
  if (coding === 'zstd') return zstdCompressSync(content);
  return coding === 'deflate' ? deflateSync(content) : gzipSync(content);
}

test.each(['gzip', 'br', 'zstd'])('a %s bomb is stopped at the limit', async (coding) => {
  const bomb = compress(coding, Buffer.alloc(400_000_000));
  await using server = await serveHttp((_request, response) => {
    response.writeHead(200, { 'content-encoding': coding, 'content-length': bomb.length }).end(bomb);
  });
  const before = process.memoryUsage().rss;
  const error = await failure(read(server.url));
  expect(error.type).toBe('file_too_large');
  expect(process.memoryUsage().rss - before).toBeLessThan(100_000_000);
});

test('compressed bytes that come to nothing count, too', async () => {
  const nothing = gzipSync('');
  await using server = await serveHttp(async (_request, response) => {
    response.writeHead(200, { 'content-encoding': 'gzip' });
    const many = Buffer.concat(Array.from({ length: 3000 }, () => nothing));
    await writeEndlessly(response, many);
  });
  expect((await failure(read(server.url))).type).toBe('file_too_large');
});

test('damaged, cut off and unknown compression', async () => {
  const content = gzipSync(randomBytes(10_000));
  await using server = await serveHttp(({ url }, response) => {
    const coding = url === '/unknown' ? 'compress' : url === '/twice' ? 'gzip, gzip' : 'gzip';
    const body = url === '/cut' ? content.subarray(0, 5000) : url === '/damaged' ? randomBytes(5000) : content;
    response.writeHead(200, { 'content-encoding': coding }).end(body);
  });
  expect(await downloadFailure(read(`${server.url}/cut`))).toMatch(/damaged/);
  expect(await downloadFailure(read(`${server.url}/damaged`))).toMatch(/damaged/);
  expect(await downloadFailure(read(`${server.url}/unknown`))).toMatch(/"compress"/);
  expect(await downloadFailure(read(`${server.url}/twice`))).toMatch(/gzip, gzip/);
});

test.each([
  ['fewer bytes than told', 'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort', /closed|incomplete/],
  ['a chunk cut off', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n64\r\nshort', /closed|incomplete/],
  [
    'two lengths',
    'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 5\r\n\r\nshort',
    /does not speak HTTP|incomplete/,
  ],
  ['a length that is none', 'HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\nshort', /does not speak HTTP/],
  ['another protocol', 'SSH-2.0-OpenSSH_9.6\r\n', /does not speak HTTP/],
  ['huge headers', `HTTP/1.1 200 OK\r\n${'X-A: b\r\n'.repeat(5000)}\r\n`, /too many headers/],
  ['an endless header', `HTTP/1.1 200 OK\r\nX-A: ${'b'.repeat(100_000)}`, /too many headers/],
  ['nothing at all', '', /closed/],
])('%s', async (_title, text, expected) => {
  await using server = await serveTcp((socket) => socket.on('data', () => socket.end(text)));
  expect(await downloadFailure(read(server.url))).toMatch(expected);
});

test('bytes beyond the length told are not part of the file', async () => {
  const text = 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nshort and more';
  await using server = await serveTcp((socket) => socket.on('data', () => socket.end(text)));
  expect((await read(server.url)).toString()).toBe('short');
});

test('an answer that is not read closes its connection', async () => {
  let closed = false;
  await using server = await serveHttp((_request, response) => {
    response.on('close', () => {
      closed = true;
    });
    response.writeHead(200, { 'content-encoding': 'gzip' }).write('x');
  });
  await (await guardedFetch(shared, server.url, defaults))[Symbol.asyncDispose]();
  await expect.poll(() => closed).toBe(true);
});

test('a body that arrives too slowly is given up, but not one that is read slowly', async () => {
  await using server = await serveHttp(({ url }, response) => {
    if (url === '/quick') return void response.end(Buffer.alloc(1000));
    response.write('x');
    const drops = setInterval(() => response.write('x'), 20);
    response.on('close', () => clearInterval(drops));
  });
  const pace = { minBytesPerSecond: 1000, window: 300 };
  const options = { field: 'audio_url', maxBytes: 10_000, timeout: 20_000, pace };
  const count = async (path: string, pause = 0): Promise<number> => {
    let bytes = 0;
    await using response = await guardedFetch(shared, `${server.url}${path}`, options);
    for await (const piece of response.body) {
      bytes += piece.length;
      await new Promise((resolve) => setTimeout(resolve, pause));
    }
    return bytes;
  };
  await expect(count('/slow')).rejects.toMatchObject({
    type: 'file_download_error',
    message: expect.stringMatching(/sends it too slowly: less than 1000 bytes a second for 0.3 s/),
  });
  expect(await count('/quick', 400)).toBe(1000);
});
