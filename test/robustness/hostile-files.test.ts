import { brotliCompressSync, createGzip, gzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type TestServer as HttpServer, serveHttp } from '../../src/fetching/http/file-server.test-support.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { endpointId, input } from './support/endpoint.ts';

/** Bytes a caller may have fetched. */
const limit = 2_000_000;
const megabyte = Buffer.alloc(2 ** 20);

let server: TestServer;
let outside: HttpServer;
const asked: string[] = [];

beforeAll(async () => {
  server = await startTestServer({
    maker: 'pipeline',
    settings: {
      SOUNDSTAGE_MAX_INPUT_BYTES: String(limit),
      SOUNDSTAGE_FETCH_TIMEOUT: '3',
      SOUNDSTAGE_ALLOW_PRIVATE_HOSTS: '127.0.0.1',
    },
  });
  outside = await serveHttp(({ url = '' }, response) => {
    asked.push(url);
    const redirect = (location: string): unknown => response.writeHead(302, { location }).end();
    switch (url) {
      case '/circle':
        return redirect('/back');
      case '/back':
        return redirect('/circle');
      case '/inside':
        return redirect('http://169.254.169.254/latest/meta-data/');
      case '/loopback':
        return redirect(`http://[::1]:${new URL(server.url).port}/metrics`);
      case '/file':
        return redirect('file:///etc/passwd');
      case '/bomb':
        response.writeHead(200, { 'content-type': 'audio/wav', 'content-encoding': 'gzip' });
        return void bomb().pipe(response);
      case '/small-bomb':
        return response.writeHead(200, { 'content-encoding': 'br' }).end(brotliCompressSync(Buffer.alloc(50_000_000)));
      case '/endless':
        response.writeHead(200, { 'content-type': 'audio/wav' });
        return void pour(response);
      case '/drip':
        response.writeHead(200, { 'content-type': 'audio/wav', 'content-length': '1000000' });
        return void setInterval(() => response.write('x'), 200).unref();
      case '/silent':
        return undefined;
      case '/page':
        return response.writeHead(200, { 'content-type': 'audio/wav' }).end('<html>not a recording</html>');
      case '/empty':
        return response.writeHead(200, { 'content-type': 'audio/wav' }).end();
      default:
        return response.writeHead(404).end();
    }
  });
});
afterAll(async () => {
  expect(server.logged.filter(({ level }) => level === 'error')).toEqual([]);
  await outside[Symbol.asyncDispose]();
  await server[Symbol.asyncDispose]();
});

/** A gigabyte of silence, compressed on the way. */
function bomb() {
  const gzip = createGzip();
  const write = (left: number): void => {
    if (left === 0) gzip.end();
    else gzip.write(megabyte, () => write(left - 1));
  };
  write(1024);
  return gzip;
}

function pour(response: NodeJS.WritableStream): void {
  response.write(megabyte, (error) => error ?? setImmediate(pour, response));
}

async function run(changes: Readonly<Record<string, unknown>>): Promise<{ status: number; body: unknown }> {
  const body = JSON.stringify({ ...input, enable_prompt_expansion: false, ...changes });
  const response = await fetch(`${server.url}/run/${endpointId}`, { method: 'POST', body });
  return { status: response.status, body: await response.json() };
}

function problem(field: string, type: string, msg: RegExp) {
  return [422, { detail: [{ loc: ['body', ...field.split('.')], type, msg: expect.stringMatching(msg) }] }];
}

test.each([
  ['/circle', 'file_download_error', /in circles/],
  ['/inside', 'file_download_error', /169\.254\.169\.254 is on a private network/],
  ['/loopback', 'file_download_error', /private network/],
  ['/file', 'file_download_error', /no http\(s\) URL/],
  ['/bomb', 'file_too_large', /at most 2000000 bytes/],
  ['/small-bomb', 'file_too_large', /at most 2000000 bytes/],
  ['/endless', 'file_too_large', /at most 2000000 bytes/],
  ['/drip', 'file_download_error', /longer than 3 s/],
  ['/silent', 'file_download_error', /longer than 3 s/],
  ['/missing', 'file_download_error', /404/],
  ['/empty', 'file_download_error', /empty/],
  ['/page', 'unsupported_audio_format', /it is a web page \(from 127\.0\.0\.1:/],
])('audio_url %s ends with %s', async (path, type, message) => {
  const before = process.memoryUsage().rss;
  const { status, body } = await run({ audio_url: `${outside.url}${path}` });
  expect([status, body]).toMatchObject(problem('audio_url', type, message));
  expect(JSON.stringify(body)).not.toMatch(/meta-data|passwd|\/tmp\//);
  // The gigabyte is nowhere.
  expect(process.memoryUsage().rss - before).toBeLessThan(200_000_000);
});

test.each([
  ['file:///etc/passwd', /file:/],
  ['/etc/passwd', /no URL/],
  ['http://169.254.169.254/latest/meta-data/', /private network/],
  ['http://2852039166/latest/meta-data/', /private network/],
  ['http://[::ffff:a9fe:a9fe]/', /private network/],
  ['http://127.0.0.2:1/', /private network/],
  ['http://nothing.invalid/a.wav', /no such host|cannot be resolved/],
  ['data:audio/wav;base64,%%%', /./],
])('audio_url %s is not fetched', async (url, message) => {
  const { status, body } = await run({ audio_url: url });
  expect([status, body]).toMatchObject(problem('audio_url', 'file_download_error', message));
});

test('a data URI that is larger than files may be', async () => {
  const audio_url = `data:audio/wav;base64,${'A'.repeat((4 / 3) * limit + 8)}`;
  const { status, body } = await run({ audio_url });
  expect([status, body]).toMatchObject(problem('audio_url', 'file_too_large', /2000000/));
  // What is large is not sent back.
  expect(JSON.stringify(body).length).toBeLessThan(10_000);
});

test('a LoRA that is a page, a path outside and a circle', async () => {
  const audio_url = `data:audio/wav;base64,${Buffer.from('x').toString('base64')}`;
  for (const [path, message] of [
    [`${outside.url}/page`, /safetensors/],
    ['../../../etc/passwd', /./],
    ['/etc/passwd', /SOUNDSTAGE_LORA_FOLDER/],
    [`${outside.url}/circle`, /in circles/],
    ['http://169.254.169.254/x.safetensors', /private network/],
  ] as const) {
    const { status, body } = await run({ audio_url, loras: [{ path }] });
    expect(status).toBe(422);
    expect(body).toMatchObject({
      detail: [{ loc: ['body', 'loras', 0, 'path'], msg: expect.stringMatching(message) }],
    });
    expect(JSON.stringify(body)).not.toMatch(/root:/);
  }
});

test('a compressed body that unpacks to a gigabyte', async () => {
  const bombed = gzipSync(Buffer.alloc(2 ** 30, 32));
  const before = process.memoryUsage().rss;
  const response = await fetch(`${server.url}/queue/${endpointId}`, {
    method: 'POST',
    headers: { 'content-encoding': 'gzip' },
    body: bombed,
  });
  expect(response.status).toBe(413);
  expect(process.memoryUsage().rss - before).toBeLessThan(300_000_000);
  const upload = await fetch(`${server.url}/cdn/files/upload`, {
    method: 'POST',
    headers: { 'content-encoding': 'gzip', 'content-type': 'audio/wav' },
    body: bombed,
  });
  expect(upload.status).toBe(415);
});
