import { rename } from 'node:fs/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTestServer, type TestServer } from '../../../test/support/server.ts';
import { TestClipMaker } from '../../jobs/jobs.test-support.ts';

const id = 'fal-ai/ltx-2-19b/distilled/audio-to-video/lora';
const app = 'fal-ai/ltx-2-19b';
const input = { prompt: 'A woman speaks', audio_url: 'https://example.com/a.wav', loras: [] };
const initiate = '/storage/upload/initiate?storage_type=fal-cdn-v3';

let server: TestServer;
let owner: string;
let stranger: string;
let admin: string;
beforeAll(async () => {
  server = await startTestServer({ maker: new TestClipMaker() });
});
afterAll(() => server[Symbol.asyncDispose]());

interface Reply {
  readonly status: number;
  readonly type: string | null;
  // biome-ignore lint/suspicious/noExplicitAny: replies of every shape are looked into
  readonly body: any;
}

async function call(method: string, path: string, authorization?: string, body?: unknown): Promise<Reply> {
  const reply = await fetch(new URL(path, server.url), {
    method,
    headers: authorization === undefined ? {} : { authorization },
    body: body === undefined ? null : JSON.stringify(body),
  });
  const type = reply.headers.get('content-type');
  const text = await reply.text();
  return { status: reply.status, type, body: type?.includes('json') ? JSON.parse(text) : text };
}

async function newKey(scope: 'API' | 'ADMIN'): Promise<string> {
  const { id: keyId, secret } = await server.keys.create({ name: 'test', scope });
  return `Key ${keyId}:${secret}`;
}

test('on this machine alone, and before the first key, anything goes', async () => {
  for (const authorization of [undefined, 'Key local:local', 'Key undefined', 'Bearer x']) {
    expect((await call('POST', `/queue/${id}`, authorization, input)).status).toBe(200);
    expect((await call('POST', initiate, authorization, { content_type: 'audio/wav', file_name: 'a' })).status).toBe(
      200,
    );
  }
});

test('the first key locks the door', async () => {
  owner = await newKey('API');
  stranger = await newKey('API');
  admin = await newKey('ADMIN');
  const refused = await call('POST', `/run/${id}`, undefined, input);
  expect(refused).toMatchObject({
    status: 401,
    type: expect.stringContaining('application/json'),
    body: { detail: `Cannot access application "${app}". Authentication is required to access this application.` },
  });
  expect((await call('POST', `/run/${id}`, owner, input)).status).toBe(200);
});

test.each([
  ['Key abc', /<key_id>:<key_secret>/],
  ['Key wrong:wrong', /^No user found for Key ID and Secret$/],
  ['Key undefined', /<key_id>:<key_secret>/],
  ['Basic aWQ6c2VjcmV0', /Authorization/],
  ['Bearer nonsense', /token/],
  [`Bearer ${'x'.repeat(5000)}`, /token/],
])('%.20s is refused everywhere', async (authorization, message) => {
  for (const [method, path] of [
    ['POST', `/run/${id}`],
    ['GET', `/run/${id}`],
    ['POST', `/queue/${id}`],
    ['POST', initiate],
    ['POST', '/tokens/'],
  ] as const) {
    const { status, body } = await call(method, path, authorization, method === 'POST' ? input : undefined);
    expect([path, status]).toEqual([path, 401]);
    expect(body.detail).toMatch(message);
  }
});

test('the REST host and the platform ask for a key in their own words', async () => {
  expect(await call('POST', initiate, undefined, {})).toMatchObject({
    status: 401,
    body: { detail: 'Authorization header is required' },
  });
  expect(await call('GET', '/v1/models/usage')).toMatchObject({
    status: 401,
    body: { error: { type: 'authorization_error' } },
  });
  expect((await call('GET', '/.well-known/jwks.json')).status).toBe(200);
  expect((await call('GET', '/health')).status).toBe(200);
});

test('only what precedes a comma counts', async () => {
  expect((await call('POST', `/queue/${id}`, `${owner}, Bearer zz`, input)).status).toBe(200);
});

test('nobody sees the request of another key', async () => {
  const { body } = await call('POST', `/queue/${id}`, owner, input);
  const at = `/queue/${app}/requests/${body.request_id}`;
  for (const [method, path] of [
    ['GET', at],
    ['GET', `${at}/status`],
    ['GET', `${at}/status/stream`],
    ['PUT', `${at}/cancel`],
  ] as const) {
    expect((await call(method, path, owner)).status).not.toBe(404);
    for (const other of [stranger, admin]) {
      expect(await call(method, path, other)).toMatchObject({ status: 404, body: { status: 'NOT_FOUND' } });
    }
    expect((await call(method, path)).status).toBe(401);
  }
  const history = `/v1/models/requests/by-endpoint?endpoint_id=${id}&request_id=${body.request_id}`;
  expect((await call('GET', history, owner)).body.items).toHaveLength(1);
  expect((await call('GET', history, stranger)).body.items).toHaveLength(0);
});

test('only ADMIN keys delete payloads, only owners by the older route', async () => {
  const { body } = await call('POST', `/queue/${id}`, owner, input);
  for await (const status of server.requests.watch(body.request_id)) if (status.state === 'COMPLETED') break;
  const newer = `/v1/models/requests/${body.request_id}/payloads`;
  const older = `/requests/delete_io/${body.request_id}`;
  expect(await call('DELETE', newer, owner)).toMatchObject({
    status: 403,
    body: { error: { type: 'permission_error' } },
  });
  expect((await call('PUT', older, stranger)).status).toBe(404);
  expect((await call('PUT', older, owner)).body.CDN_DELETE_RESULTS).toHaveLength(1);
  expect((await call('DELETE', newer, admin)).status).toBe(200);
});

test('temporary tokens call the apps they name, and nothing else', async () => {
  for (const allowed of ['ltx-2-19b', app, id]) {
    const { status, body: token } = await call('POST', '/tokens/', owner, {
      allowed_apps: [allowed],
      token_expiration: 120,
    });
    expect([status, typeof token]).toEqual([200, 'string']);
    expect((await call('POST', `/queue/${id}`, `Bearer ${token}`, input)).status).toBe(200);
    expect((await call('POST', `/queue/${id}?fal_jwt_token=${token}`, undefined, input)).status).toBe(200);
    expect((await call('POST', initiate, `Bearer ${token}`, {})).status).toBe(403);
    expect((await call('POST', '/tokens/', `Bearer ${token}`, { allowed_apps: ['x'] })).status).toBe(403);
    expect((await call('GET', '/v1/models/usage', `Bearer ${token}`)).status).toBe(403);
  }
  const { body } = await call('POST', '/tokens/realtime', owner, { allowed_apps: ['fal-ai/other'], duration: 60 });
  expect((await call('POST', `/queue/${id}`, `Bearer ${body.token}`, input)).status).toBe(403);
});

test('a token for one endpoint of an app is good for its requests, and for no other endpoint', async () => {
  const plain = `${app}/distilled/audio-to-video`;
  const { body: token } = await call('POST', '/tokens/', owner, { allowed_apps: [plain], token_expiration: 120 });
  const submitted = await call('POST', `/queue/${plain}`, `Bearer ${token}`, input);
  expect(submitted.status).toBe(200);
  const status = `/queue/${app}/requests/${submitted.body.request_id}/status`;
  expect([200, 202]).toContain((await call('GET', status, `Bearer ${token}`)).status);
  expect((await call('POST', `/queue/${id}`, `Bearer ${token}`, input)).status).toBe(403);
  expect((await call('POST', `/run/${id}/stream`, `Bearer ${token}`, input)).status).toBe(403);
});

test('a token ends', async () => {
  const { body: token } = await call('POST', '/tokens/', owner, { allowed_apps: ['ltx-2-19b'], token_expiration: 1 });
  expect((await call('POST', `/queue/${id}`, `Bearer ${token}`, input)).status).toBe(200);
  await new Promise((resolve) => setTimeout(resolve, 2100));
  expect((await call('POST', `/queue/${id}`, `Bearer ${token}`, input)).status).toBe(401);
});

test.each([
  {},
  { allowed_apps: [] },
  { allowed_apps: 'x' },
  { allowed_apps: ['x'], token_expiration: -1 },
  { allowed_apps: ['x'], token_expiration: 1e9 },
  [],
])('a token request like %j is refused', async (body) => {
  const reply = await call('POST', '/tokens/', owner, body);
  expect([reply.status, Array.isArray(reply.body.detail)]).toEqual([422, true]);
});

test('a revoked key stops working, and the door stays locked', async () => {
  const short = await newKey('API');
  expect((await call('POST', `/queue/${id}`, short, input)).status).toBe(200);
  const { body: token } = await call('POST', '/tokens/', short, { allowed_apps: ['ltx-2-19b'], token_expiration: 600 });
  await server.keys.revoke(short.slice('Key '.length).split(':')[0] ?? '');
  await new Promise((resolve) => setTimeout(resolve, 1000));
  expect((await call('POST', `/queue/${id}`, short, input)).status).toBe(401);
  expect((await call('POST', `/queue/${id}`, `Bearer ${token}`, input)).status).toBe(401);
});

test('a server for the world does not start without a key', async () => {
  const open = startTestServer({ settings: { SOUNDSTAGE_HOST: '0.0.0.0' } });
  await expect(open).rejects.toThrow('soundstage keys create');
});

test('unless that is asked for', async () => {
  await using open = await startTestServer({ settings: { SOUNDSTAGE_HOST: '0.0.0.0', SOUNDSTAGE_AUTH: 'off' } });
  expect(open.isKeyRequired).toBe(false);
});

test('whether the server is ready is told to everybody, what is wrong with it to admins alone', async () => {
  const trouble = 'connect ECONNREFUSED 10.0.0.5:5432';
  const checks = {
    elsewhere: async () => {
      throw new Error(trouble);
    },
  };
  await using troubled = await startTestServer({ checks, settings: { SOUNDSTAGE_AUTH: 'keys' } });
  const { id: keyId, secret } = await troubled.keys.create({ name: 'test', scope: 'ADMIN' });
  const { id: other, secret: otherSecret } = await troubled.keys.create({ name: 'test', scope: 'API' });
  for (const authorization of ['', 'Key x:y', `Key ${other}:${otherSecret}`]) {
    const reply = await fetch(`${troubled.url}/ready`, { headers: { authorization } });
    expect([reply.status, await reply.json()]).toEqual([
      503,
      { ready: false, checks: { database: 'ok', data: 'ok', disk: 'ok', files: 'ok', elsewhere: 'failed' } },
    ]);
  }
  const reply = await fetch(`${troubled.url}/ready`, { headers: { authorization: `Key ${keyId}:${secret}` } });
  expect(await reply.json()).toMatchObject({ ready: false, checks: { elsewhere: trouble } });
  expect(troubled.logged).toContainEqual(
    expect.objectContaining({ level: 'warn', checks: expect.objectContaining({ elsewhere: trouble }) }),
  );
});

test('a server whose data folder is moved away is not ready until it is back', async () => {
  await using moved = await startTestServer();
  const ready = async (): Promise<unknown> => (await fetch(`${moved.url}/ready`)).json();
  await rename(moved.dataFolder, `${moved.dataFolder}.away`);
  expect(await ready()).toMatchObject({ ready: false, checks: { data: expect.stringContaining('is gone') } });
  await rename(`${moved.dataFolder}.away`, moved.dataFolder);
  expect(await ready()).toMatchObject({ ready: true });
});
