import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { TestClipMaker } from '../../src/jobs/jobs.test-support.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { app, endpointId, input } from './support/endpoint.ts';
import { rawRequest } from './support/raw-http.ts';

const secret = 'the secret of this test';
let server: TestServer;
/** Path of an uploaded file. */
let uploaded: URL;

beforeAll(async () => {
  // Headers of proxies are not for servers that are their machine's alone.
  server = await startTestServer({ maker: new TestClipMaker(), settings: { SOUNDSTAGE_AUTH: 'off' } });
  await writeFile(join(server.dataFolder, 'secret.txt'), secret);
  await writeFile(join(server.dataFolder, 'files', 'blobs', 'secret.txt'), secret).catch(() => {});
  uploaded = await upload('hello', {});
  await writeFile(join(server.dataFolder, 'files', 'blobs', 'secret.txt'), secret);
});
afterAll(async () => {
  expect(server.logged.filter(({ level }) => level === 'error')).toEqual([]);
  expect(await (await fetch(uploaded)).text()).toBe('hello');
  await server[Symbol.asyncDispose]();
});

async function upload(content: string, headers: Readonly<Record<string, string>>): Promise<URL> {
  const response = await fetch(`${server.url}/cdn/files/upload`, {
    method: 'POST',
    headers: { 'content-type': 'text/plain', 'x-fal-file-name': 'name.txt', ...headers },
    body: content,
  });
  expect(response.status).toBe(200);
  return new URL(((await response.json()) as { access_url: string }).access_url);
}

function request(method: string, path: string, headers = '', body = ''): string {
  const lines = [`${method} ${path} HTTP/1.1`, 'Host: 127.0.0.1', 'Connection: close'];
  return `${lines.join('\r\n')}\r\n${headers}\r\n${body}`;
}

test('file addresses lead to nothing but files', async () => {
  const shard = uploaded.pathname.split('/').slice(0, -1).join('/');
  const [id = ''] = (uploaded.pathname.split('/').at(-1) ?? '').split('_');
  const targets = ['secret.txt', 'database/PG_VERSION', 'tls/key.pem', 'files/blobs/secret.txt', 'etc/passwd'];
  const steps = [
    '../',
    '..%2f',
    '%2e%2e/',
    '%2e%2e%2f',
    '..%5c',
    '..\\',
    '..%252f',
    '%c0%ae%c0%ae/',
    '..;/',
    '....//',
    '%00/../',
  ];
  const prefixes = [shard, `${shard}/${id}_`, '/cdn/files', '/files/b', '/cdn', '/rest', '', `/cdn/files/upload/${id}`];
  for (const target of targets) {
    for (const step of steps) {
      const paths = prefixes.map((prefix) => `${prefix}/${step.repeat(6)}${target}`);
      const replies = await Promise.all(paths.map((path) => rawRequest(server.url, request('GET', path))));
      for (const reply of replies) {
        expect([400, 401, 403, 404, 405]).toContain(reply.status);
        expect(reply.headers.get('content-type')).toContain('application/json');
        expect(reply.text).not.toMatch(/secret of this|root:|PRIVATE KEY|\n1\d\n/);
      }
    }
  }
}, 120_000);

test('the name at the end of a file address decides nothing', async () => {
  const [, id] = /([0-9a-f]{32})_/.exec(uploaded.pathname) ?? [];
  const shard = uploaded.pathname.split('/').slice(0, -1).join('/');
  for (const name of ['_other.html', '_..%2f..%2fsecret.txt', '_%00', '', '_%0d%0aset-cookie:a=b']) {
    const reply = await rawRequest(server.url, request('GET', `${shard}/${id}${name}`));
    expect([reply.status, reply.body, reply.headers.get('content-type')]).toEqual([200, 'hello', 'text/plain']);
    expect(reply.headers.has('set-cookie')).toBe(false);
  }
  const other = createHash('md5').update('other').digest('hex');
  expect((await rawRequest(server.url, request('GET', `${shard}/${other}_x`))).status).toBe(404);
});

test.each([
  ['a"; filename="b.exe', 'x/y\\z'],
  ['%0d%0aSet-Cookie: a=b', 'a%0d%0ab'],
  ['../../../../etc/passwd', '..'],
  ['<script>alert(1)</script>.html', 'con.txt'],
  ['\u0080\u00ff\u0085', '.'],
  ['a'.repeat(4000), '~'],
])('uploaded under a hostile name: %s', async (...names) => {
  for (const name of names) {
    const url = await upload('content', { 'x-fal-file-name': name, 'content-type': 'text/html' });
    const response = await fetch(url);
    expect([response.status, await response.text()]).toEqual([200, 'content']);
    expect(response.headers.get('set-cookie')).toBe(null);
    expect(response.headers.get('x-content-type-options')).toBe('nosniff');
    expect(response.headers.get('content-security-policy')).toContain('sandbox');
    expect(response.headers.get('content-disposition')).toMatch(/^attachment; filename="[^"\\/\r\n]*"/);
    expect(decodeURIComponent(url.pathname.split('/').at(-1) ?? '')).not.toMatch(/[/\\<>"\r\n]/);
  }
});

const body = JSON.stringify(input);

test.each([
  ['a line break in a value', 'X-Fal-Tags: a=b\rc: d\r\n'],
  ['a NUL', 'X-Fal-Runner-Hint: a\0b\r\n'],
  ['a space before the colon', 'Content-Length : 5\r\n'],
  ['a folded line', 'X-Fal-Runner-Hint: a\r\n b\r\n'],
  ['no colon', 'nonsense\r\n'],
  ['two lengths', 'Content-Length: 5\r\nContent-Length: 6\r\n'],
  ['length and chunks', 'Content-Length: 5\r\nTransfer-Encoding: chunked\r\n'],
  ['an unknown transfer encoding', 'Transfer-Encoding: xchunked\r\n'],
  ['a negative length', 'Content-Length: -5\r\n'],
  ['a length that is no number', 'Content-Length: 5x\r\n'],
  ['two hosts', 'Host: other\r\n'],
  ['20 kB of one header', `X-Fal-Tags: ${'a'.repeat(20_000)}\r\n`],
  ['1,000 headers of 100 bytes', `X-A: ${'a'.repeat(94)}\r\n`.repeat(1000)],
])('headers that are refused: %s', async (_name, headers) => {
  const reply = await rawRequest(server.url, request('POST', `/queue/${endpointId}`, headers, body));
  expect([400, 431, 501]).toContain(reply.status);
  expect(reply.headers.get('content-type')).toBe('application/json');
  expect(JSON.parse(reply.body)).toEqual({ detail: expect.any(String) });
  expect(reply.headers.has('x-fal-request-id')).toBe(true);
});

test.each([
  ['nonsense', 'hello\r\n\r\n'],
  ['another protocol', 'SSH-2.0-OpenSSH_9.6\r\n'],
  ['HTTP/2 without asking', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
  ['a broken TLS handshake', Buffer.from('1603010200010001fc0303', 'hex')],
  ['a broken chunk', request('POST', `/run/${endpointId}`, 'Transfer-Encoding: chunked\r\n', 'zz\r\nx\r\n0\r\n\r\n')],
  ['an endless chunk size', request('POST', `/run/${endpointId}`, 'Transfer-Encoding: chunked\r\n', 'f'.repeat(40))],
  ['a path of 100 kB', request('GET', `/${'a'.repeat(100_000)}`)],
  ['a path with a space', request('GET', '/a b')],
  ['a tunnel to elsewhere', 'CONNECT 169.254.169.254:80 HTTP/1.1\r\nHost: x\r\n\r\n'],
  ['a proxied request to elsewhere', request('GET', 'http://169.254.169.254/latest/meta-data/')],
])(
  'what is hardly HTTP: %s',
  async (_name, bytes) => {
    const reply = await rawRequest(
      server.url,
      typeof bytes === 'string' ? bytes : Buffer.concat([bytes, Buffer.alloc(512)]),
    );
    expect(reply.status === 0 || (reply.status >= 400 && reply.status < 500)).toBe(true);
    if (reply.status > 0) expect(reply.headers.get('content-type')).toContain('application/json');
  },
  60_000,
);

test.each([
  'evil.example"><script>',
  'evil.example/path?x=',
  'evil.example\\@127.0.0.1',
  'user:pass@evil.example',
  'a b',
])('addresses are not made from the host "%s"', async (host) => {
  const reply = await rawRequest(
    server.url,
    request('POST', `/queue/${endpointId}`, `X-Forwarded-Host: ${host}\r\nContent-Length: ${body.length}\r\n`, body),
  );
  expect(reply.status).toBe(200);
  const { status_url: url } = JSON.parse(reply.body) as { status_url: string };
  expect(new URL(url)).toMatchObject({ hostname: '127.0.0.1', username: '', search: '' });
  expect(url).toMatch(new RegExp(`^http://127\\.0\\.0\\.1(:\\d+)?/queue/${app}/requests/[0-9a-f-]{36}/status$`));
});

test('a request that was smuggled behind another one is a request of its own', async () => {
  const one = `POST /queue/${endpointId} HTTP/1.1\r\nHost: localhost\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
  const reply = await rawRequest(server.url, `${one}${request('GET', '/run/fal-ai/other/x')}`);
  expect(reply.text.match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 200', 'HTTP/1.1 404']);
});
