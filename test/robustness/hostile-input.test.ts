import { afterAll, beforeAll, expect, test } from 'vitest';
import { TestClipMaker } from '../../src/jobs/jobs.test-support.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { app, endpointId, input } from './support/endpoint.ts';
import { eventually } from './support/eventually.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer({ maker: new TestClipMaker() });
});
afterAll(async () => {
  // Whatever was sent, nothing of it was our fault.
  expect(server.logged.filter(({ level }) => level === 'error')).toEqual([]);
  expect((await post('run', JSON.stringify(input))).status).toBe(200);
  await server[Symbol.asyncDispose]();
});

interface Reply {
  readonly status: number;
  readonly headers: Headers;
  readonly body: unknown;
}

async function ask(path: string, init?: RequestInit): Promise<Reply> {
  const response = await fetch(`${server.url}${path}`, init);
  expect(response.headers.get('content-type')).toContain('application/json');
  expect(response.headers.get('x-fal-request-id')).toMatch(/^[0-9a-f-]{36}$/);
  return { status: response.status, headers: response.headers, body: await response.json() };
}

function post(surface: 'run' | 'queue', body: NonNullable<RequestInit['body']>): Promise<Reply> {
  return ask(`/${surface}/${endpointId}`, { method: 'POST', body });
}

test.each([
  ['nothing', ''],
  ['a space', ' '],
  ['half an object', '{"prompt":'],
  ['single quotes', "{'prompt':'x'}"],
  ['a comma too many', '{"prompt":"x",}'],
  ['NaN', '{"seed":NaN}'],
  ['a raw control character', '{"prompt":"a\u0000b"}'],
  ['two documents', '{}{}'],
  ['invalid UTF-8', Buffer.from([0x7b, 0x22, 0xff, 0xfe, 0x22, 0x3a, 0x31, 0x7d])],
  ['UTF-16', Buffer.from('{"prompt":"x"}', 'utf16le')],
  ['a form', 'prompt=x&audio_url=y'],
  ['200,000 brackets', '['.repeat(200_000)],
])('malformed JSON: %s', async (_name, body) => {
  for (const surface of ['run', 'queue'] as const) {
    const reply = await post(surface, body);
    expect(reply.status).toBe(422);
    expect(reply.body).toMatchObject({ detail: [{ loc: ['body', expect.any(Number)], type: 'json_invalid' }] });
    expect(reply.headers.get('x-fal-billable-units')).toBe('0');
  }
});

test.each([
  ['null', null],
  ['a number', 42],
  ['a text', 'prompt'],
  ['a list', [input]],
  ['a deep list', JSON.parse('['.repeat(2000) + ']'.repeat(2000))],
  ['numbers beyond numbers', { ...input, seed: 1e308, num_frames: -1e308, fps: 1e-320 }],
  ['a prototype', JSON.parse('{"__proto__":{"prompt":"x"},"constructor":{"prototype":{}}}')],
  ['texts that are none', { prompt: {}, audio_url: [], loras: 'x' }],
  ['10,000 LoRAs', { ...input, loras: Array.from({ length: 10_000 }, () => ({ path: 'a/b' })) }],
])('JSON that is no input: %s', async (_name, body) => {
  const reply = await post('run', JSON.stringify(body));
  expect(reply.status).toBe(422);
  const { detail } = reply.body as { detail: readonly unknown[] };
  expect(detail.length).toBeGreaterThan(0);
  for (const each of detail) {
    expect(each).toMatchObject({ loc: expect.any(Array), msg: expect.any(String), type: expect.any(String) });
  }
  const queued = (await post('queue', JSON.stringify(body))).body as { request_id: string };
  const result = await ask(`/queue/${app}/requests/${queued.request_id}`);
  expect([result.status, result.body]).toEqual([422, reply.body]);
  const status = await ask(`/queue/${app}/requests/${queued.request_id}/status`);
  expect([status.status, status.body]).toMatchObject([200, { status: 'COMPLETED', error: 'Invalid status code: 422' }]);
});

test('texts that databases do not like', async () => {
  for (const prompt of ['nul \u0000', 'half a pair \ud800']) {
    const refused = await post('run', JSON.stringify({ ...input, prompt }));
    expect([refused.status, refused.body]).toMatchObject([422, { detail: [{ type: 'string_unicode' }] }]);
  }
  const prompt = 'quotes \'"`, \\u0000, \\x00, %s $1 :name {} \u202e \ufffe 👩‍👩‍👧';
  const unknown = { '\u0000': '\udfff' };
  const reply = await post('run', JSON.stringify({ ...input, prompt, unknown }));
  expect([reply.status, reply.body]).toMatchObject([200, { prompt }]);
});

const unknownIds = [
  '00000000-0000-0000-0000-000000000000',
  '0197d3c2-6c1e-7a54-b0f1-3f0e6a1d9c55',
  '0',
  '-1',
  'null',
  'undefined',
  "' or 1=1 --",
  '%00',
  '%ff',
  '%0d%0aset-cookie:%20a=b',
  '..%2f..%2fetc%2fpasswd',
  '{0197d3c2-6c1e-7a54-b0f1-3f0e6a1d9c55}',
  '0197D3C26C1E7A54B0F13F0E6A1D9C55',
  'a'.repeat(8000),
  '💥',
];

test.each(unknownIds)('unknown id %s', async (id) => {
  const path = `/queue/${app}/requests/${id}`;
  for (const [method, action] of [
    ['GET', ''],
    ['GET', '/status'],
    ['GET', '/status/stream'],
    ['GET', '/response'],
    ['PUT', '/cancel'],
  ]) {
    const reply = await ask(`${path}${action}`, { method: method ?? '' });
    expect([reply.status, reply.body]).toEqual([404, { status: 'NOT_FOUND' }]);
    expect(reply.headers.get('set-cookie')).toBe(null);
  }
});

test.each([
  ['GET', `/run/${endpointId}`, 405],
  ['DELETE', `/run/${endpointId}`, 405],
  ['PATCH', `/queue/${endpointId}`, 405],
  ['POST', `/queue/${app}/requests/0197d3c2-6c1e-7a54-b0f1-3f0e6a1d9c55/status`, 405],
  ['GET', `/queue/${app}/requests/0197d3c2-6c1e-7a54-b0f1-3f0e6a1d9c55/cancel`, 405],
  ['DELETE', `/queue/${app}/requests/0197d3c2-6c1e-7a54-b0f1-3f0e6a1d9c55`, 405],
  ['GET', '/cdn/files/upload', 405],
  ['PUT', '/cdn/files/upload', 405],
  ['POST', `/run/${endpointId}/nothing`, 404],
  ['POST', '/run/fal-ai/other', 404],
  ['POST', '/queue/fal-ai/other/x', 404],
  ['POST', `/run/${endpointId}/../../../../../../etc/passwd`, 404],
])('%s %s is answered %i', async (method, path, status) => {
  const reply = await ask(path, { method });
  expect(reply.status).toBe(status);
  expect(reply.body).toMatchObject({ detail: expect.any(String) });
  if (status === 405) expect(reply.headers.get('allow')).toMatch(/^(?:GET|POST|PUT)/);
});

test.each([
  ['x-fal-request-timeout', 'soon'],
  ['x-fal-request-timeout', '-1'],
  ['x-fal-request-timeout', 'Infinity'],
  ['x-fal-request-start-timeout', '0'],
  ['x-fal-object-lifecycle-preference', '{'],
  ['x-fal-object-lifecycle-preference', '{"expiration_duration_seconds":-5}'],
  ['x-fal-tags', 'fal.reserved=1'],
  ['x-fal-retry-config', '[]'],
])('%s: %s is a bad request', async (name, value) => {
  const reply = await ask(`/queue/${endpointId}`, {
    method: 'POST',
    headers: { [name]: value },
    body: JSON.stringify(input),
  });
  expect([reply.status, reply.body]).toMatchObject([400, { error_type: 'bad_request' }]);
});

test.each(['ftp://example.com/', 'javascript:alert(1)', '//example.com', 'http://', '\r\nx: y', 'x'])(
  'the webhook %s is a bad request',
  async (webhook) => {
    const query = `fal_webhook=${encodeURIComponent(webhook)}`;
    const reply = await ask(`/queue/${endpointId}?${query}`, { method: 'POST', body: JSON.stringify(input) });
    expect([reply.status, reply.body]).toMatchObject([400, { error_type: 'bad_request' }]);
  },
);

test.each(['http://169.254.169.254/latest/meta-data/', 'http://10.0.0.1/', 'http://[fe80::1]/', 'http://127.1.2.3/'])(
  'the webhook %s is not called, and the request is none the worse',
  async (webhook) => {
    const path = `/queue/${endpointId}?fal_webhook=${encodeURIComponent(webhook)}`;
    const { body } = await ask(path, { method: 'POST', body: JSON.stringify(input) });
    const { request_id: id } = body as { request_id: string };
    const status = async (): Promise<Status> =>
      (await ask(`/queue/${app}/requests/${id}/status?logs=1`)).body as Status;
    const messages = async (): Promise<string> => (await status()).logs.map(({ message }) => message).join('; ');
    await eventually(30_000, async () => (await messages()).includes('the webhook was not delivered: '), messages);
    expect(await messages()).toContain('private network');
    expect(await status()).toMatchObject({ status: 'COMPLETED' });
    expect((await ask(`/queue/${app}/requests/${id}`)).status).toBe(200);
  },
);

interface Status {
  readonly status: string;
  readonly logs: readonly { readonly message: string }[];
}
