import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, expect, test } from 'vitest';
import { startDatabases } from '../../../test/support/databases/databases.ts';
import type { Lifecycle } from '../../database/json-columns.ts';
import { type StorageServer, startStorageServer } from './storage-server.test-support.ts';

const databases = await startDatabases();
afterAll(() => databases[Symbol.asyncDispose]());

interface UploadOptions {
  readonly authorization: string;
  readonly body?: string;
  readonly type?: string;
  readonly lifecycle?: Lifecycle;
}

async function upload(
  server: StorageServer,
  { authorization, body = '0123456789', ...options }: UploadOptions,
): Promise<string> {
  const { type = 'text/plain', lifecycle } = options;
  const headers: Record<string, string> = { authorization, 'content-type': type, 'x-fal-file-name': 'file.bin' };
  if (lifecycle !== undefined) headers['x-fal-object-lifecycle'] = JSON.stringify(lifecycle);
  const reply = await fetch(`${server.url}/cdn/files/upload`, { method: 'POST', headers, body });
  expect(reply.status).toBe(200);
  return ((await reply.json()) as { access_url: string }).access_url;
}

async function status(url: string, headers: Record<string, string> = {}): Promise<number> {
  const reply = await fetch(url, { headers });
  await reply.arrayBuffer();
  return reply.status;
}

test('whole files, parts of files and their headers', async () => {
  await using server = await startStorageServer(databases);
  const url = await upload(server, await server.newKey());
  const whole = await fetch(url);
  expect(await whole.text()).toBe('0123456789');
  expect(Object.fromEntries(whole.headers)).toMatchObject({
    'accept-ranges': 'bytes',
    'access-control-allow-origin': '*',
    'cache-control': 'public, max-age=3600',
    'content-length': '10',
    'content-type': 'text/plain',
    etag: '"781e5e245d69b566979b86e28d23f2c7"',
    'x-content-type-options': 'nosniff',
  });
  expect(whole.headers.get('access-control-expose-headers')).toMatch(/content-range/i);
  const ranges: [string, number, string, string | null][] = [
    ['bytes=2-4', 206, '234', 'bytes 2-4/10'],
    ['bytes=7-', 206, '789', 'bytes 7-9/10'],
    ['bytes=-3', 206, '789', 'bytes 7-9/10'],
    ['bytes=0-99', 206, '0123456789', 'bytes 0-9/10'],
    ['bytes=0-1,4-5', 200, '0123456789', null],
    ['bytes=x', 200, '0123456789', null],
  ];
  for (const [range, code, content, described] of ranges) {
    const reply = await fetch(url, { headers: { range } });
    expect([reply.status, await reply.text(), reply.headers.get('content-range')]).toEqual([code, content, described]);
    expect(reply.headers.get('content-length')).toBe(String(content.length));
  }
  const beyond = await fetch(url, { headers: { range: 'bytes=10-' } });
  expect([beyond.status, beyond.headers.get('content-range')]).toEqual([416, 'bytes */10']);
});

test('conditions on what the caller has already', async () => {
  await using server = await startStorageServer(databases);
  const url = await upload(server, await server.newKey());
  const { headers } = await fetch(url, { method: 'HEAD' });
  const [etag, modified] = [headers.get('etag') ?? '', headers.get('last-modified') ?? ''];
  const earlier = new Date(Date.parse(modified) - 5000).toUTCString();
  expect(await status(url, { 'if-none-match': etag })).toBe(304);
  expect(await status(url, { 'if-none-match': `"x", W/${etag}` })).toBe(304);
  expect(await status(url, { 'if-none-match': '"x"', 'if-modified-since': modified })).toBe(200);
  expect(await status(url, { 'if-modified-since': modified })).toBe(304);
  expect(await status(url, { 'if-modified-since': earlier })).toBe(200);
  expect(await status(url, { 'if-modified-since': 'nonsense' })).toBe(200);
  const range = 'bytes=0-1';
  expect(await status(url, { range, 'if-range': etag })).toBe(206);
  expect(await status(url, { range, 'if-range': modified })).toBe(206);
  for (const other of ['"x"', `W/${etag}`, earlier, 'nonsense']) {
    expect(await status(url, { range, 'if-range': other })).toBe(200);
  }
});

test('HEAD, OPTIONS and other methods', async () => {
  await using server = await startStorageServer(databases);
  const url = await upload(server, await server.newKey());
  const head = await fetch(url, { method: 'HEAD', headers: { range: 'bytes=1-3' } });
  expect([head.status, head.headers.get('content-length'), await head.text()]).toEqual([206, '3', '']);
  const preflight = await fetch(url, {
    method: 'OPTIONS',
    headers: {
      origin: 'https://example.com',
      'access-control-request-method': 'PUT',
      'access-control-request-headers': 'authorization,content-type,range,x-fal-file-name',
    },
  });
  expect(preflight.status).toBe(204);
  expect(preflight.headers.get('access-control-allow-origin')).toBe('*');
  expect(preflight.headers.get('access-control-allow-methods')).toContain('PUT');
  expect(preflight.headers.get('access-control-allow-headers')).toContain('x-fal-file-name');
  for (const method of ['PUT', 'POST', 'DELETE', 'PATCH']) {
    const reply = await fetch(url, { method });
    expect(reply.status).toBe(405);
    expect(reply.headers.get('content-type')).toContain('application/json');
  }
});

test('an empty file', async () => {
  await using server = await startStorageServer(databases);
  const url = await upload(server, { ...(await server.newKey()), body: '' });
  const reply = await fetch(url);
  expect([reply.status, reply.headers.get('content-length'), await reply.text()]).toEqual([200, '0', '']);
  expect(await status(url, { range: 'bytes=0-' })).toBe(416);
});

test('pages and pictures with scripts cannot run here', async () => {
  await using server = await startStorageServer(databases);
  const key = await server.newKey();
  for (const type of [
    'text/html',
    'image/svg+xml',
    'application/xhtml+xml',
    'text/xml',
    'application/javascript',
    'nonsense',
  ]) {
    const { headers } = await fetch(await upload(server, { ...key, type, body: '<script>alert(1)</script>' }));
    expect(headers.get('content-disposition')).toMatch(/^attachment/);
    expect(headers.get('content-security-policy')).toMatch(/default-src 'none'.*sandbox$/);
    expect(headers.get('x-content-type-options')).toBe('nosniff');
  }
});

test('a file whose time is over is gone', async () => {
  await using server = await startStorageServer(databases);
  const url = await upload(server, { ...(await server.newKey()), lifecycle: { expiration_duration_seconds: 1.5 } });
  const fresh = await fetch(url);
  expect(fresh.status).toBe(200);
  expect(fresh.headers.get('cache-control')).toMatch(/max-age=[01]$/);
  await fresh.arrayBuffer();
  await sleep(1600);
  expect(await status(url)).toBe(404);
});

test('forbidden and hidden files, their owner, rules and signed links', async () => {
  await using server = await startStorageServer(databases);
  const [ann, bob, eve] = [await server.newKey(), await server.newKey(), await server.newKey()];
  const as = ({ authorization }: { authorization: string }) => ({ authorization });
  const forbidden = await upload(server, { ...ann, lifecycle: { initial_acl: { default: 'forbid' } } });
  const rules = [
    { user: bob.owner, decision: 'allow' },
    { user: eve.owner, decision: 'forbid' },
  ] as const;
  const hidden = await upload(server, { ...ann, lifecycle: { initial_acl: { default: 'hide', rules } } });
  expect([await status(forbidden), await status(hidden)]).toEqual([403, 404]);
  expect([await status(forbidden, as(ann)), await status(hidden, as(ann))]).toEqual([200, 200]);
  expect([await status(forbidden, as(bob)), await status(hidden, as(bob))]).toEqual([403, 200]);
  expect([await status(forbidden, as(eve)), await status(hidden, as(eve))]).toEqual([403, 403]);
  expect([await status(forbidden, { authorization: 'Key x:y' }), await status(hidden, { authorization: 'x' })]).toEqual(
    [403, 404],
  );
  const token = await fetch(`${server.url}/rest/storage/auth/token`, { method: 'POST', headers: as(ann), body: '{}' });
  const bearer = { authorization: `Bearer ${((await token.json()) as { token: string }).token}` };
  expect([await status(forbidden, bearer), await status(hidden, bearer)]).toEqual([200, 200]);
  expect((await fetch(forbidden, { headers: as(ann) })).headers.get('cache-control')).toBe('private, no-store');

  const sign = (url: string, headers: Record<string, string>, body: unknown = { duration: 60, scope: 'read' }) =>
    fetch(`${url}/sign`, { method: 'POST', headers, body: JSON.stringify(body) });
  const { signed_url } = (await (await sign(hidden, as(ann))).json()) as { signed_url: string };
  expect(await status(signed_url)).toBe(200);
  expect(await status(`${forbidden}${new URL(signed_url).search}`)).toBe(403);
  expect((await sign(forbidden, as(bob))).status).toBe(403);
  expect((await sign(hidden, as(bob))).status).toBe(403);
  expect((await sign(hidden, {})).status).toBe(401);
  expect((await sign(hidden.replace(/[0-9a-f]{30}_/, `${'0'.repeat(30)}_`), as(ann))).status).toBe(404);
  for (const body of [{ duration: 604_801 }, { duration: 0 }, { duration: 'x' }, { duration: 60, scope: 'write' }]) {
    expect((await sign(hidden, as(ann), body)).status).toBe(422);
  }
  const short = (await (await sign(hidden, as(ann), { duration: 1 })).json()) as { signed_url: string };
  await sleep(1100);
  expect(await status(short.signed_url)).toBe(404);
});

test('where no credentials are asked for, who presents none is still nobody', async () => {
  await using server = await startStorageServer(databases, { mode: 'off' });
  const anybody = { authorization: 'Key local:local' };
  const url = await upload(server, { ...anybody, lifecycle: { initial_acl: { default: 'forbid' } } });
  expect(await status(url)).toBe(403);
  expect(await status(url, anybody)).toBe(200);
});

test('no path leads out of the store', async () => {
  await using server = await startStorageServer(databases);
  const url = await upload(server, await server.newKey());
  const id = new URL(url).pathname.split('/').at(-1)?.slice(0, 32) ?? '';
  const paths = [
    '/cdn/files/b/../../../../etc/passwd',
    '/cdn/files/b/..%2f..%2f..%2fetc/passwd',
    '/cdn/files/b/%2e%2e/%2e%2e%2fetc%2fpasswd',
    '/cdn/files/b/..\\..\\etc/passwd',
    `/cdn/files/b/${id.slice(0, 2)}/..%2f${id}`,
    `/cdn/files/b/${id.slice(0, 2)}/${id}%00.txt`,
    `/cdn/files/b/${id.slice(0, 2)}/${id}%2f..%2f..`,
    `/cdn/files/b/../b/zz/${id}`,
    `/cdn/files/b//${id}`,
    `/cdn/files/b/${'x'.repeat(5000)}/y`,
    '/cdn/files/b/%ff/%c0%af',
  ];
  for (const path of paths) {
    const socket = await server.connect();
    socket.end(`GET ${path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n`);
    const reply = Buffer.concat(await Array.fromAsync(socket as AsyncIterable<Buffer>)).toString();
    expect(reply).toMatch(/^HTTP\/1\.1 40[04] /);
    expect(reply).not.toContain('0123456789');
    expect(reply).not.toContain('root:');
  }
  expect(server.failures).toEqual([]);
});

test('a download that is broken off closes its file', async () => {
  await using server = await startStorageServer(databases);
  const url = await upload(server, { ...(await server.newKey()), body: 'x'.repeat(30_000_000) });
  if (!existsSync('/proc/self/fd')) return;
  const descriptors = async () => (await readdir('/proc/self/fd')).length;
  const before = await descriptors();
  for (let round = 0; round < 10; round++) {
    const socket = await server.connect();
    socket.write(`GET ${new URL(url).pathname} HTTP/1.1\r\nhost: localhost\r\n\r\n`);
    await once(socket, 'data');
    socket.resetAndDestroy();
  }
  for (let round = 0; round < 40 && (await descriptors()) > before + 2; round++) await sleep(50);
  expect(await descriptors()).toBeLessThanOrEqual(before + 2);
});

test('many readers at once', async () => {
  await using server = await startStorageServer(databases);
  const url = await upload(server, { ...(await server.newKey()), body: 'x'.repeat(1_000_000) });
  const sizes = await Promise.all(
    Array.from({ length: 100 }, async () => (await (await fetch(url)).arrayBuffer()).byteLength),
  );
  expect(new Set(sizes)).toEqual(new Set([1_000_000]));
});
