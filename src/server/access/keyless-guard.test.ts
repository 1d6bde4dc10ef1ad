import { request } from 'node:http';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTestServer, type TestServer } from '../../../test/support/server.ts';
import { app, id, input, unknownId } from '../calls.test-support.ts';

const allowed = 'https://studio.example';
const publicUrl = 'https://clips.example/video';
let server: TestServer;
/** Lets everybody in, from everywhere. */
let open: TestServer;
beforeAll(async () => {
  server = await startTestServer({ settings: { SOUNDSTAGE_ALLOW_ORIGINS: `${allowed},http://studio.lan:8000` } });
  open = await startTestServer({
    settings: { SOUNDSTAGE_HOST: '0.0.0.0', SOUNDSTAGE_AUTH: 'off', SOUNDSTAGE_PUBLIC_URL: publicUrl },
  });
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  await open[Symbol.asyncDispose]();
});

interface Answer {
  readonly status: number | undefined;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
}

/** Unlike `fetch`, it sends whatever headers it is told. */
function ask(
  { url }: TestServer,
  path: string,
  headers: Readonly<Record<string, string>>,
  method = 'GET',
): Promise<Answer> {
  const { port } = new URL(url);
  return new Promise((resolve, reject) => {
    const sent = request({ host: '127.0.0.1', port, path, method, headers }, async (reply) => {
      let text = '';
      for await (const piece of reply) text += piece;
      resolve({ status: reply.statusCode, headers: reply.headers, text });
    });
    sent.on('error', reject).end(method === 'POST' ? JSON.stringify(input) : undefined);
  });
}

const routes: readonly (readonly [string, string])[] = [
  ['GET', '/'],
  ['GET', '/health'],
  ['GET', '/metrics'],
  ['GET', '/v1/models/usage'],
  ['GET', `/queue/${app}/requests/${unknownId}/status`],
  ['GET', `/queue/${app}/requests/${unknownId}/status/stream`],
  ['PUT', `/queue/${app}/requests/${unknownId}/cancel`],
  ['POST', `/queue/${id}`],
  ['POST', `/run/${id}`],
  ['POST', `/run/${id}/stream`],
  ['POST', '/storage/upload/initiate'],
  ['POST', '/cdn/files/upload'],
  ['GET', `/cdn/files/b/aa/${'a'.repeat(32)}_clip.mp4`],
  ['POST', '/fal/proxy'],
  ['OPTIONS', `/queue/${id}`],
  ['GET', `https://queue.fal.run/${app}/requests/${unknownId}/status`],
  ['GET', '/nothing'],
];
const strangers: readonly Readonly<Record<string, string>>[] = [
  { origin: 'http://localhost:3000' },
  { origin: 'https://evil.example' },
  { origin: 'null' },
  { origin: 'https://studio.example.evil.example' },
  { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'no-cors' },
  { 'sec-fetch-site': 'same-site', 'sec-fetch-mode': 'no-cors' },
  { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'iframe' },
];

test.each(routes)('without keys, pages of others are refused: %s %s', async (method, path) => {
  const target = `https://queue.fal.run/${id}`;
  for (const headers of strangers) {
    const answer = await ask(server, path, { ...headers, 'x-fal-target-url': target }, method);
    expect([headers, answer.status]).toEqual([headers, 403]);
    expect(answer.text).toContain('SOUNDSTAGE_ALLOW_ORIGINS');
    expect(answer.headers).not.toHaveProperty('access-control-allow-origin');
  }
});

test.each([
  'evil.example',
  'evil.example:8000',
  '10.1.2.3',
  '0.0.0.0',
  'localhost.evil.example',
  '169.254.169.254',
  '[2001:db8::1]',
])('without keys, a server for this machine does not answer to the name %s', async (host) => {
  for (const [method, path] of routes.filter(([, route]) => route.startsWith('/'))) {
    const answer = await ask(server, path, { host }, method);
    expect([path, answer.status, answer.text]).toEqual([path, 403, expect.stringContaining(host)]);
  }
});

test.each([
  'localhost',
  'localhost:1',
  'LOCALHOST',
  'queue.localhost:8000',
  '127.0.0.1',
  '127.9.8.7:99',
  '[::1]:8000',
  'studio.lan:8000',
  'fal.run',
  'queue.fal.run',
])('but to the name %s it does', async (host) => {
  const answer = await ask(server, '/v1/models', { host });
  expect(answer.status).not.toBe(403);
  expect((await ask(server, '/v1/models', { host, origin: `http://${host}` })).status).not.toBe(403);
});

test('programs, own pages and links are served as ever', async () => {
  const { host, port } = new URL(server.url);
  for (const headers of [
    {},
    { 'sec-fetch-site': 'none', 'sec-fetch-mode': 'navigate' },
    { 'sec-fetch-site': 'same-origin', origin: `http://${host}` },
    { 'sec-fetch-site': 'same-origin', origin: `https://${host}` },
    { 'sec-fetch-site': 'cross-site', origin: `http://localhost:${port}` },
    { 'sec-fetch-site': 'cross-site', referer: `http://localhost:${port}/` },
    { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' },
    { 'sec-fetch-site': 'cross-site', referer: `${allowed}/` },
  ]) {
    const answer = await ask(server, '/v1/models', headers);
    expect([headers, answer.status]).toEqual([headers, 200]);
  }
});

test('a page of an allowed origin may read what it asks for; its neighbor may not', async () => {
  const preflight = { origin: allowed, 'access-control-request-method': 'POST' };
  expect(await ask(server, `/queue/${id}`, preflight, 'OPTIONS')).toMatchObject({
    status: 204,
    headers: { 'access-control-allow-origin': allowed, vary: expect.stringMatching(/origin/i) },
  });
  const file = `/cdn/files/b/aa/${'a'.repeat(32)}_clip.mp4`;
  expect((await ask(server, file, { origin: allowed })).headers['access-control-allow-origin']).toBe(allowed);
  for (const origin of ['http://studio.example', 'https://studio.example:8443', 'https://a.studio.example']) {
    expect([origin, (await ask(server, '/v1/models', { origin })).status]).toEqual([origin, 403]);
  }
});

test.each(['X-Forwarded-For', 'X-Forwarded-Host', 'X-Forwarded-Proto', 'Forwarded', 'X-Real-IP'])(
  'what a reverse proxy passes on with %s is refused by a server for this machine alone',
  async (name) => {
    const answer = await ask(server, '/v1/models', { [name]: 'localhost' });
    expect([answer.status, answer.text]).toEqual([403, expect.stringContaining('--auth off')]);
    expect((await ask(open, '/v1/models', { [name]: 'localhost' })).status).toBe(200);
  },
);

test('a server that lets everybody in answers to addresses, its public URL and what a proxy calls it, and to no other name', async () => {
  for (const host of ['10.1.2.3:8000', '[2001:db8::1]', 'localhost', 'clips.example', 'queue.clips.example']) {
    expect([host, (await ask(open, '/v1/models', { host })).status]).toEqual([host, 200]);
  }
  const evil = 'evil.example';
  expect((await ask(open, '/v1/models', { host: evil })).status).toBe(403);
  expect((await ask(open, '/v1/models', { 'x-forwarded-host': evil })).status).toBe(403);
  expect((await ask(open, '/v1/models', { 'x-forwarded-host': 'clips.example' })).status).toBe(200);
  expect((await ask(open, '/v1/models', { host: '10.1.2.3', origin: 'http://10.1.2.3' })).status).toBe(200);
  expect((await ask(open, '/v1/models', { host: '10.1.2.3', origin: 'https://clips.example' })).status).toBe(200);
  expect((await ask(open, '/v1/models', { host: '10.1.2.3', origin: 'http://10.1.2.3:3000' })).status).toBe(403);
});

test.each(['https://clips.example', 'http://192.0.2.7:8000'])(
  'the public URL %s is for the world, which needs keys',
  async (url) => {
    await expect(startTestServer({ settings: { SOUNDSTAGE_PUBLIC_URL: url } })).rejects.toThrow(
      `Anyone who reaches ${url} could use this server`,
    );
  },
);

test('with keys, any page may ask, by any name', async () => {
  await using keyed = await startTestServer({ settings: { SOUNDSTAGE_AUTH: 'keys' } });
  for (const headers of [...strangers, { host: 'evil.example' }, { 'x-forwarded-host': 'evil.example' }]) {
    expect(await ask(keyed, '/v1/models', headers)).toMatchObject({
      status: 200,
      headers: { 'access-control-allow-origin': '*' },
    });
  }
});

test.each(['https://a.example/path', 'a.example', 'ftp://a.example', 'null', '*', 'https://user@a.example'])(
  'the origin %s is not usable',
  async (origin) => {
    await expect(startTestServer({ settings: { SOUNDSTAGE_ALLOW_ORIGINS: origin } })).rejects.toThrow(
      'SOUNDSTAGE_ALLOW_ORIGINS',
    );
  },
);
