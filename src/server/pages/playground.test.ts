import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { Hono } from 'hono';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { basesOf } from '../addressing/bases.ts';
import type { AppEnv } from '../app-env.ts';
import { openPlayground, playgroundFile, playgroundPage } from './playground.ts';

let folder: string;
const warnings: string[] = [];
const logger = { warn: (message: string) => void warnings.push(message) };
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'soundstage-page-'));
  warnings.length = 0;
});
afterEach(() => rm(folder, { recursive: true }));

async function get(path: string, headers: Record<string, string> = {}): Promise<Response> {
  const app = new Hono<AppEnv>();
  const playground = await openPlayground(logger, folder);
  app.get('/*', (c) => {
    c.set('bases', basesOf({ url: new URL(c.req.url), headers: c.req.raw.headers }));
    return /^\/$|\/models\//.test(c.req.path)
      ? playgroundPage(c, playground)
      : playgroundFile(c, playground, c.req.path);
  });
  return await app.request(`http://localhost:8000${path}`, { headers });
}

test('without a build, page and logger say how to build it', async () => {
  const reply = await get('/');
  expect(reply.status).toBe(503);
  expect(await reply.text()).toContain('npm run build');
  expect(warnings).toEqual([expect.stringContaining('npm run build')]);
});

test('files are compressed, named by their content, and nothing else is served', async () => {
  await mkdir(join(folder, 'assets'));
  await writeFile(join(folder, 'index.html'), '<!doctype html>');
  await writeFile(join(folder, 'assets', 'index-1.js'), 'let a');
  const page = await get('/');
  expect(page.headers.get('content-security-policy')).toContain("default-src 'none'; script-src 'self'");
  expect(page.headers.get('cache-control')).toBe('no-cache');
  const script = await get('/assets/index-1.js', { 'accept-encoding': 'gzip' });
  expect(script.headers.get('cache-control')).toContain('immutable');
  expect(gunzipSync(await script.arrayBuffer()).toString()).toBe('let a');
  const etag = script.headers.get('etag') ?? '';
  expect((await get('/assets/index-1.js', { 'if-none-match': etag })).status).toBe(304);
  expect((await get('/assets/../package.json')).status).toBe(404);
  expect(warnings).toEqual([]);
});

test('clips and recordings are sent as they are, in parts where a player asks for parts', async () => {
  await mkdir(join(folder, 'assets'));
  await writeFile(join(folder, 'assets', 'clip-1.mp4'), 'a moving picture');
  const whole = await get('/assets/clip-1.mp4', { 'accept-encoding': 'gzip' });
  expect([whole.status, whole.headers.get('content-encoding'), whole.headers.get('content-type')]).toEqual([
    200,
    null,
    'video/mp4',
  ]);
  expect(whole.headers.get('accept-ranges')).toBe('bytes');
  expect(await whole.text()).toBe('a moving picture');
  const part = await get('/assets/clip-1.mp4', { range: 'bytes=2-7' });
  expect([part.status, part.headers.get('content-range')]).toEqual([206, 'bytes 2-7/16']);
  expect(await part.text()).toBe('moving');
  const behind = await get('/assets/clip-1.mp4', { range: 'bytes=16-' });
  expect([behind.status, behind.headers.get('content-range')]).toEqual([416, 'bytes */16']);
});

test('at an address below the root the page finds its files at the root, wherever that is', async () => {
  await writeFile(join(folder, 'index.html'), '<!doctype html><head></head><script src="./assets/a.js"></script>');
  for (const path of ['/models/a/b/c', '/models/a/b/c/', '/behind/models/a/b']) {
    const page = await get(path);
    const [, base] = /<head><base href="([^"]*)">/.exec(await page.text()) ?? [];
    expect(new URL(base ?? '', `http://localhost${path}`).pathname).toBe('/');
    expect(page.headers.get('content-security-policy')).toContain("base-uri 'self'");
  }
  expect(await (await get('/')).text()).not.toContain('<base');
});
