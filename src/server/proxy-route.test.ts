import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { startTestServer, type TestServer } from '../../test/support/server.ts';
import { TestClipMaker } from '../jobs/test-jobs.ts';
import { Calls, id, input } from './calls.test-support.ts';

const maker = new TestClipMaker();
let server: TestServer;
const calls = new Calls(() => server, maker);
beforeAll(async () => {
  server = await startTestServer({ maker });
});
afterAll(() => server[Symbol.asyncDispose]());
beforeEach(() => {
  maker.behaviour = async () => {};
});

test('preflight and exposure for browsers', async () => {
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
    expect(reply.headers.get('access-control-allow-origin')).toBe('*');
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

test('the proxy route does not go round in circles', async () => {
  const reply = await calls.post('/fal/proxy', input, { 'x-fal-target-url': `${server.url}/fal/proxy` });
  expect([reply.status, reply.body]).toEqual([400, 'Invalid request']);
});

test('a stray target header steers nothing', async () => {
  const reply = await calls.post(`/run/${id}`, input, { 'x-fal-target-url': `https://queue.fal.run/${id}` });
  expect(reply.body).toMatchObject({ seed: 7 });
});
