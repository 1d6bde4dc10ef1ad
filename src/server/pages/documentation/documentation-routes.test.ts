import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTestServer, type TestServer } from '../../../../test/support/server.ts';

const root = join(import.meta.dirname, '../../../..');
const files = (await readdir(join(root, 'docs'))).filter((name) => name.endsWith('.md'));
const names = [...files.map((name) => name.replace(/\.md$/, '')), 'readme', 'contributing', 'changelog'];
let server: TestServer;
beforeAll(async () => {
  server = await startTestServer({});
});
afterAll(() => server[Symbol.asyncDispose]());

interface Page {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
}

async function get(path: string, accept?: string): Promise<Page> {
  const { status, headers, text } = await fetch(new URL(path, server.url), accept ? { headers: { accept } } : {}).then(
    async (reply) => ({ status: reply.status, headers: reply.headers, text: await reply.text() }),
  );
  return { status, headers, text };
}

function attributes(text: string, name: string): readonly string[] {
  return [...text.matchAll(new RegExp(`\\s${name}="([^"]*)"`, 'g'))].map(([, value = '']) => value);
}

test('every document is listed, with the version of the server, and nothing is loaded from elsewhere', async () => {
  const { status, headers, text } = await get('/docs');
  expect(status).toBe(200);
  expect(attributes(text, 'href')).toEqual(expect.arrayContaining(names.map((name) => `./docs/${name}`)));
  const { version } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'));
  expect(text).toContain(`<footer>Soundstage ${version}</footer>`);
  expect(headers.get('content-security-policy')).toMatch(/default-src 'none'; script-src 'none'; style-src 'sha256-/);
  expect(headers.get('x-content-type-options')).toBe('nosniff');
});

test('what the README names first comes first', async () => {
  const { text } = await get('/docs');
  const listed = attributes(text, 'href').filter((link) => link.startsWith('./docs/'));
  expect(listed[0]).toBe('./docs/readme');
  expect(listed.indexOf('./docs/quick-start')).toBeLessThan(listed.indexOf('./docs/architecture'));
});

test.each(names)('%s: its links and pictures lead somewhere, anchors included', async (name) => {
  const address = new URL(`/docs/${name}`, server.url);
  const { status, text } = await get(address.href);
  expect(status).toBe(200);
  const own = [...attributes(text, 'href'), ...attributes(text, 'src')]
    .map((link) => new URL(link.replaceAll('&amp;', '&'), address))
    .filter(({ origin }) => origin === address.origin);
  const pages = new Map<string, Page>();
  for (const { pathname, hash } of own) {
    const page = pages.get(pathname) ?? (await get(pathname));
    pages.set(pathname, page);
    expect([page.status, pathname]).toEqual([200, pathname]);
    if (hash !== '')
      expect(attributes(page.text, 'id'), `${pathname}${hash}`).toContain(decodeURIComponent(hash.slice(1)));
  }
});

test('behind a slash too many, links are still right', async () => {
  const { text } = await get('/docs/api/');
  expect(attributes(text, 'href')).toContain('../../docs/clients');
});

test('pictures are served, and nothing else of the folder or outside of it', async () => {
  for (const [name, type] of [
    ['playground.png', 'image/png'],
    ['examples.webp', 'image/webp'],
  ]) {
    const picture = await fetch(new URL(`/docs/images/${name}`, server.url));
    expect([picture.status, picture.headers.get('content-type')]).toEqual([200, type]);
    expect((await picture.arrayBuffer()).byteLength).toBeGreaterThan(1000);
  }
  for (const path of [
    '/docs/..%2fpackage.json',
    '/docs/%2e%2e/package.json',
    '/docs/images/nothing.png',
    '/docs/api.md',
  ]) {
    expect([path, (await get(path)).status]).toEqual([path, 404]);
  }
  const missing = await get('/docs/nothing');
  expect(missing.status).toBe(404);
  expect(missing.text).toContain('../docs/quick-start');
});

test('a search finds the section, and says so where it finds none', async () => {
  const { text } = await get('/docs?q=temporary+token');
  expect(attributes(text, 'href').find((link) => link.includes('#'))).toBe('#content');
  expect(attributes(text, 'href')).toContain('./docs/api#temporary-tokens');
  const nothing = await get('/docs?q=%3Cb%3Exyzzy');
  expect(nothing.text).toContain('Nothing found for “&lt;b&gt;xyzzy”.');
  expect(nothing.text).not.toContain('<b>xyzzy');
});

test('where keys are on, anybody may read', async () => {
  await using keyed = await startTestServer({ settings: { SOUNDSTAGE_AUTH: 'keys' } });
  for (const path of ['/docs', '/docs/api', '/docs?q=key']) expect((await fetch(keyed.url + path)).status).toBe(200);
});

test('other methods are refused', async () => {
  expect((await fetch(`${server.url}/docs/api`, { method: 'POST' })).status).toBe(405);
});
