import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { startTestServer, type TestServer } from '../../../test/support/server.ts';
import { TestClipMaker } from '../../jobs/jobs.test-support.ts';
import { Calls, id, input } from '../calls.test-support.ts';

const maker = new TestClipMaker();
let server: TestServer;
const calls = new Calls(() => server, maker);
beforeAll(async () => {
  server = await startTestServer({ maker, settings: { SOUNDSTAGE_ALLOW_ORIGINS: 'https://a.example' } });
});
afterAll(() => server[Symbol.asyncDispose]());
beforeEach(() => {
  maker.behavior = async () => {};
});

test('preflight and exposure for browsers, for pages that are allowed', async () => {
  const asked = 'authorization,content-type,x-fal-target-url,x-fal-queue-priority';
  for (const path of ['/fal/proxy', `/queue/${id}`, `/run/${id}`, '/storage/upload/initiate', '/tokens/']) {
    const reply = await fetch(new URL(path, server.url), {
      method: 'OPTIONS',
      headers: {
        origin: 'https://a.example',
        'access-control-request-method': 'PUT',
        'access-control-request-headers': asked,
      },
    });
    expect(reply.status).toBe(204);
    expect(reply.headers.get('access-control-allow-headers')).toBe(asked);
    expect(reply.headers.get('access-control-allow-methods')).toContain('PUT');
    expect(reply.headers.get('access-control-allow-origin')).toBe('https://a.example');
  }
  const { headers } = await calls.call('/fal/proxy', { headers: { origin: 'https://a.example' } });
  expect(headers.get('access-control-expose-headers')).toContain('x-fal-request-id');
});

test.each([
  undefined,
  'nonsense',
  'https://example.com/x',
  'https://fal.run.example.com/x',
  'https://user@fal.run@example.com/',
  'https://user:secret@fal.run/x',
  'https://fal.run:8443/x',
  'ftp://fal.run/x',
  'http://169.254.169.254/latest',
])('the proxy route refuses %s', async (target) => {
  const reply = await calls.post('/fal/proxy', input, target === undefined ? {} : { 'x-fal-target-url': target });
  expect([reply.status, reply.body]).toEqual([400, 'Invalid request']);
});

test('the proxy route stands for every host that versions of the client have used', async () => {
  const to = (target: string, init: RequestInit = {}) =>
    calls.call('/fal/proxy', { ...init, headers: { 'x-fal-target-url': target } });
  const file = { method: 'POST', body: JSON.stringify({ content_type: 'audio/wav', file_name: 'a.wav' }) };
  for (const host of ['rest.fal.ai', 'rest.alpha.fal.ai']) {
    for (const query of ['', '?storage_type=fal-cdn-v3']) {
      const { status, body } = await to(`https://${host}/storage/upload/initiate${query}`, file);
      expect([status, body.upload_url]).toEqual([200, expect.stringMatching(`^${server.url}/cdn/files/upload/`)]);
    }
  }
  const sound = { method: 'POST', body: 'RIFF', headers: { 'x-fal-target-url': 'https://fal.media/files/upload' } };
  const { access_url } = (await calls.call('/fal/proxy', sound)).body;
  for (const host of ['fal.media', 'v3.fal.media', 'v3b.fal.media']) {
    const reply = await fetch(new URL('/fal/proxy', server.url), {
      headers: { 'x-fal-target-url': `https://${host}${new URL(access_url).pathname.replace('/cdn', '')}` },
    });
    expect([host, await reply.text()]).toEqual([host, 'RIFF']);
  }
  const submitted = await to(`https://queue.fal.run/${id}`, { method: 'POST', body: JSON.stringify(input) });
  expect(submitted.body.status).toBe('IN_QUEUE');
  const ran = await to(`https://fal.run/${id}`, { method: 'POST', body: JSON.stringify(input) });
  expect(ran.body).toMatchObject({ seed: 7 });
});

test('the proxy route does not go round in circles', async () => {
  const reply = await calls.post('/fal/proxy', input, { 'x-fal-target-url': `${server.url}/fal/proxy` });
  expect([reply.status, reply.body]).toEqual([400, 'Invalid request']);
});

test('a stray target header steers nothing', async () => {
  const reply = await calls.post(`/run/${id}`, input, { 'x-fal-target-url': `https://queue.fal.run/${id}` });
  expect(reply.body).toMatchObject({ seed: 7 });
});
