import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { afterAll, beforeEach, expect, test } from 'vitest';
import { openGuardedClient } from './guarded-client.ts';
import { type FetchInputOptions, fetchInput } from './input-file.ts';
import type { OwnFile } from './own-file.ts';
import { serveHttp } from './test-server.ts';

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
