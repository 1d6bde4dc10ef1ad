import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { afterAll, beforeEach, expect, test } from 'vitest';
import { serveHttp } from './http/file-server.test-support.ts';
import { openGuardedClient } from './http/guarded-client.ts';
import { type FetchInputOptions, fetchInput } from './input-file.ts';
import type { OwnFile } from './own-file.ts';

const client = openGuardedClient({ allowPrivateHosts: ['127.0.0.1'] });
const folders = await mkdtemp(join(tmpdir(), 'soundstage-input-'));
let folder = folders;
beforeEach(async () => {
  folder = await mkdtemp(join(folders, 'request-'));
});
afterAll(async () => {
  await client[Symbol.asyncDispose]();
  await rm(folders, { recursive: true });
});

const fetch = (reference: string, options: Partial<FetchInputOptions> = {}): Promise<string> =>
  fetchInput(reference, { client, folder, field: 'audio_url', maxBytes: 1000, timeout: 5000, ...options });

test('URLs and data URIs become files with a name that says nothing', async () => {
  await using server = await serveHttp((_request, response) => response.end('content'));
  for (const reference of [
    `${server.url}/../../evil.sh?x=/etc`,
    `HTTP${server.url.slice(4)}/`,
    ' \n\u200bdata:,content\r\n',
  ]) {
    const path = await fetch(reference);
    expect(dirname(path)).toBe(folder);
    expect(basename(path)).toMatch(/^input-[0-9a-f-]{36}$/);
    expect(await readFile(path, 'utf8')).toBe('content');
  }
});

test.each([
  ...['file:///etc/passwd', 'ftp://host/a.mp3', 'javascript:alert(1)', '/etc/passwd', '../secret', 'C:\\x.mp3', ''],
  ...['//host/path', 'blob:http://x/y', 'http:', 'HTTPS://', 'data:,', 'data:;base64,!', 's3://bucket/key'],
])('%s is a clear error and leaves nothing', async (reference) => {
  await expect(fetch(reference)).rejects.toMatchObject({
    kind: 'input',
    field: 'audio_url',
    type: 'file_download_error',
  });
  expect(await readdir(folder)).toEqual([]);
});

test('content in base64 without a data URI around it: says how to write it', async () => {
  const content = `/9j/4AAQSkZJRgABAQAAAQABAAD${'A'.repeat(60)}`;
  await expect(fetch(content)).rejects.toThrow(/data:;base64,/);
});

test('empty, too large, broken and cancelled ones leave nothing', async () => {
  await using server = await serveHttp(({ url }, response) => {
    if (url === '/large') response.end(Buffer.alloc(1001));
    else if (url === '/cut') response.writeHead(200, { 'content-length': 500 }).write('x', () => response.destroy());
    else if (url === '/stop') response.write('x');
    else response.end();
  });
  await expect(fetch(`${server.url}/empty`)).rejects.toThrow(/it is empty/);
  await expect(fetch(`${server.url}/large`)).rejects.toMatchObject({ type: 'file_too_large' });
  await expect(fetch(`data:,${'x'.repeat(1001)}`)).rejects.toMatchObject({ type: 'file_too_large' });
  await expect(fetch(`${server.url}/cut`)).rejects.toMatchObject({ type: 'file_download_error' });
  await expect(fetch(`${server.url}/stop`, { timeout: 300 })).rejects.toThrow(/longer than 0.3 s/);
  await expect(fetch(`${server.url}/stop`, { signal: AbortSignal.timeout(300) })).rejects.toMatchObject({
    kind: 'cancelled',
  });
  expect(await readdir(folder)).toEqual([]);
});

test('a web page in place of a file says so, with its title and who sent it', async () => {
  const page = '<!DOCTYPE html><html><head><title>Sign in &amp; go on</title></head></html>';
  await using server = await serveHttp(({ url }, response) => {
    if (url === '/moved') response.writeHead(302, { location: '/page' }).end();
    else if (url === '/untitled') response.end('<html><body>Just a moment…</body></html>');
    else if (url === '/refused') response.end('<?xml version="1.0"?><Error><Code>AccessDenied</Code></Error>');
    else if (url === '/json') response.end('{"error": "expired"}');
    else if (url === '/pointer') response.end('version https://git-lfs.github.com/spec/v1\noid sha256:a\nsize 1\n');
    // In pieces, as slow servers send it.
    else for (const letter of page) response.write(letter);
    response.end();
  });
  const { host } = new URL(server.url);
  const said = 'cannot be used: it is a web page ("Sign in & go on"';
  for (const [reference, expected] of [
    [`${server.url}/moved`, `${said}, from ${host}): give the address of the file itself`],
    [`${server.url}/untitled`, `it is a web page (from ${host})`],
    [`${server.url}/refused`, `it is an XML document ("AccessDenied", from ${host})`],
    [`${server.url}/json`, `it is a JSON document ("expired", from ${host})`],
    [`${server.url}/pointer`, `it is a pointer to a large file (from ${host})`],
    [`data:audio/wav;base64,${Buffer.from(page).toString('base64')}`, `${said}): give`],
    [`data:text/html,${encodeURIComponent(page)}`, `${said}): give`],
  ] as const) {
    for (const field of ['audio_url', 'image_url', 'end_image_url']) {
      await expect(fetch(reference, { field })).rejects.toMatchObject({
        ...{ kind: 'input', field, message: expect.stringContaining(expected) },
      });
    }
  }
  const open = async (): Promise<AsyncIterable<Uint8Array>> => new Blob([page]).stream();
  const findOwnFile = async (): Promise<OwnFile> => ({ identity: 'a', size: page.length, open });
  await expect(fetch('http://own/file', { findOwnFile })).rejects.toThrow(said);
  expect(await readdir(folder)).toEqual([]);
});

test('own files are read from the store, not asked for', async () => {
  const own: OwnFile = {
    identity: 'a',
    size: 7,
    open: async () =>
      (async function* () {
        yield Buffer.from('content');
      })(),
  };
  const findOwnFile = async (url: string): Promise<OwnFile | undefined> =>
    url === 'http://127.0.0.1:1/files/a' ? own : undefined;
  expect(await readFile(await fetch('http://127.0.0.1:1/files/a', { findOwnFile }), 'utf8')).toBe('content');
  await expect(fetch('http://127.0.0.1:1/files/b', { findOwnFile })).rejects.toThrow(/refuses connections/);
  await expect(fetch('http://127.0.0.1:1/files/a', { findOwnFile, maxBytes: 6 })).rejects.toMatchObject({
    type: 'file_too_large',
  });
});

test('a store that fails half way leaves nothing', async () => {
  const findOwnFile = async (): Promise<OwnFile> => ({
    identity: 'a',
    size: 7,
    open: async () =>
      (async function* () {
        yield Buffer.from('con');
        throw new Error('the disk is broken');
      })(),
  });
  await expect(fetch('http://own/file', { findOwnFile })).rejects.toThrow('the disk is broken');
  expect(await readdir(folder)).toEqual([]);
});
