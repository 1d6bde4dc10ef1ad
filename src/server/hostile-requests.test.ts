import { request as httpRequest } from 'node:http';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { startTestServer, type TestServer } from '../../test/support/server.ts';
import { TestClipMaker } from '../jobs/jobs.test-support.ts';
import { app, Calls, id, input, unknownId } from './calls.test-support.ts';

const maker = new TestClipMaker();
let server: TestServer;
const calls = new Calls(() => server, maker);
beforeAll(async () => {
  server = await startTestServer({ maker });
});
afterAll(() => server[Symbol.asyncDispose]());
beforeEach(() => {
  maker.behavior = async () => {};
});

test.each([
  ['DELETE', `/run/${id}`, 405],
  ['GET', `/run/${id}`, 405],
  ['GET', `/queue/${id}`, 405],
  ['POST', `/queue/${app}/requests/${unknownId}/status`, 405],
  ['POST', `/queue/${app}/requests/${unknownId}/cancel`, 405],
  ['POST', '/health', 405],
  ['GET', '/tokens/', 405],
  ['POST', '/.well-known/jwks.json', 405],
  ['POST', `/models/${id}/llms.txt`, 405],
  ['GET', '/nothing', 404],
  ['GET', '/rest/nothing', 404],
  ['POST', `/run/${app}/no/such/path`, 404],
  ['POST', `/queue/${app}/no/such/path`, 404],
  ['POST', '/run/fal-ai/nope', 404],
  ['GET', `/queue/fal-ai/other/requests/${unknownId}/status`, 404],
  ['GET', '/v1/nothing', 404],
  ['POST', '/run', 404],
])('%s %s is answered %i in JSON', async (method, path, status) => {
  const reply = await calls.call(path, { method });
  expect(reply.status).toBe(status);
  expect(reply.headers.get('content-type')).toContain('application/json');
});

test('what is not found is named', async () => {
  expect((await calls.post('/run/fal-ai/nope')).body).toEqual({ detail: 'Application "nope" not found' });
  const { headers, body } = await calls.post(`/run/${app}/no/such/path`);
  expect(body).toEqual({ detail: 'Path /no/such/path not found' });
  expect(headers.get('x-fal-billable-units')).toBe('0');
});

test.each([
  ['', 422],
  ['{"prompt":', 422],
  ['[1,2]', 422],
  ['"text"', 422],
  ['null', 422],
  [`${'['.repeat(100_000)}${']'.repeat(100_000)}`, 422],
  [`{"prompt":${'{"a":'.repeat(50_000)}1${'}'.repeat(50_000)}}`, 422],
  ['{"__proto__":{"prompt":"x"},"constructor":1}', 422],
  [`{"prompt":"a\\u0000b\\ud800","audio_url":"https://example.com/a.wav","loras":[]}`, 422],
])('hostile body %#', async (body, status) => {
  const reply = await calls.call(`/run/${id}`, { method: 'POST', body });
  expect(reply.status).toBe(status);
});

test.each(['\\u0000', '\\ud800'])('%s in a rule about a file is a bad request', async (user) => {
  const access = `{"rules":[{"user":"${user}","decision":"allow"}]}`;
  const lifecycle = { 'x-fal-object-lifecycle': `{"initial_acl":${access}}` };
  const upload = (headers = {}) => calls.call('/cdn/files/upload', { method: 'POST', headers, body: 'sound' });
  expect((await upload(lifecycle)).status).toBe(400);
  const file = encodeURIComponent((await upload()).body.access_url);
  const put = await calls.call(`/v1/storage/files/acl?url=${file}`, { method: 'PUT', body: access });
  expect(put.status).toBe(400);
});

test('a body over the limit is refused without being read', async () => {
  const reply = await new Promise<{ status: number | undefined; body: string }>((resolve, reject) => {
    const sent = httpRequest(`${server.url}/run/${id}`, {
      method: 'POST',
      headers: { 'content-length': 100 * 2 ** 20 },
    });
    sent.on('response', (response) => {
      let text = '';
      response.on('data', (chunk) => {
        text += chunk;
      });
      response.on('end', () => resolve({ status: response.statusCode, body: text }));
    });
    sent.on('error', reject);
    sent.write('{');
  });
  expect(reply.status).toBe(413);
  expect(JSON.parse(reply.body).detail).toContain('larger than');
});

test('the proxy route answers for the platform', async () => {
  for (const route of ['/fal/proxy', '/api/fal/proxy']) {
    const target = (url: string) => ({ 'x-fal-target-url': url });
    const submitted = await calls.post(route, input, target(`https://queue.fal.run/${id}`));
    expect(submitted.body).toMatchObject({
      status: 'IN_QUEUE',
      status_url: expect.stringMatching(/^https:\/\/queue\.fal\.run\//),
    });
    const requestId = submitted.body.request_id;
    await calls.finished(requestId);
    const at = `https://queue.fal.run/${app}/requests/${requestId}`;
    const status = await calls.call(route, { headers: target(`${at}/status?logs=1`) });
    expect(status.body).toMatchObject({ status: 'COMPLETED', logs: expect.any(Array) });
    const result = await calls.call(route, { headers: target(at) });
    expect(result.body.video.url).toMatch(`${server.url}/cdn/files/`);
    const cancelled = await calls.call(route, { method: 'PUT', body: '{}', headers: target(`${at}/cancel`) });
    expect(cancelled.body).toEqual({ status: 'ALREADY_COMPLETED' });
    const output = await calls.post(route, input, target(`https://fal.run/${id}`));
    expect(output.body).toMatchObject({ seed: 7 });
    expect((await calls.post(route, {}, target(`https://fal.run/${id}`))).status).toBe(422);
    const upload = 'https://rest.fal.ai/storage/upload/initiate?storage_type=fal-cdn-v3';
    const { body } = await calls.post(route, { content_type: 'audio/wav', file_name: 'a.wav' }, target(upload));
    expect(body.upload_url).toMatch(`${server.url}/cdn/`);
    expect(body.file_url).toMatch(`${server.url}/cdn/`);
    const own = await calls.post(route, input, target(`${server.url}/queue/${id}`));
    expect(own.body.status_url).toMatch(`${server.url}/queue/`);
  }
});

test('a host header that is none is refused in JSON', async () => {
  const reply = await new Promise<{ status: number | undefined; type: string | undefined }>((resolve, reject) => {
    const sent = httpRequest(`${server.url}/health`, { headers: { host: 'a b"><' } }, (response) => {
      response.resume();
      resolve({ status: response.statusCode, type: response.headers['content-type'] });
    });
    sent.on('error', reject).end();
  });
  expect(reply).toEqual({ status: 400, type: expect.stringContaining('application/json') });
});

test.each([
  ['GET', `/v1/models/requests/by-endpoint?endpoint_id=${id}%00`],
  ['GET', '/v1/models/requests/by-endpoint?endpoint_id=%00'],
  ['GET', `/v1/models/requests/by-endpoint?endpoint_id=${id}&request_id=%00`],
  ['GET', '/v1/models/usage?tags=a=%00'],
  ['GET', '/v1/models/usage?tags=%00=a'],
  ['GET', '/v1/models?q=%00'],
  ['GET', '/v1/models?endpoint_id=%00'],
  ['POST', `/queue/${id}?fal_webhook=https://example.com/%00`],
  ['POST', `/queue/${id}?%00=1`],
] as const)('a NUL in a query is the caller’s mistake: %s %s', async (method, path) => {
  const { status } = await calls.call(path, method === 'POST' ? { method, body: JSON.stringify(input) } : {});
  expect(status).toBe(400);
});

test('nor is text that no database keeps a failure elsewhere: paths, names, access rules', async () => {
  const nowhere = [
    '/v1/models/requests/%00/payloads',
    '/requests/delete_io/%00',
    '/cdn/files/b/aa/%00',
    '/%00/%00/requests/%00',
  ];
  for (const path of nowhere) expect((await calls.call(path)).status).toBeLessThan(500);
  for (const user of ['a\0b', '\ud800']) {
    const lifecycle = JSON.stringify({ initial_acl: { default: 'hide', rules: [{ user, decision: 'allow' }] } });
    const headers = { 'x-fal-object-lifecycle': lifecycle, 'content-type': 'audio/wav' };
    expect((await calls.call('/cdn/files/upload', { method: 'POST', body: 'x', headers })).status).toBe(400);
    const described = { content_type: `audio/wav${user}`, file_name: `${user}.wav` };
    expect((await calls.post('/storage/upload/initiate', described)).status).toBe(200);
    const options = { headers, method: 'POST', body: JSON.stringify(input) };
    expect((await calls.call(`/queue/${id}`, options)).status).toBe(400);
  }
});
