import { request as httpRequest } from 'node:http';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { startTestServer, type TestServer } from '../../test/support/server.ts';
import { TestClipMaker, untilAborted } from '../jobs/test-jobs.ts';

const id = 'fal-ai/ltx-2-19b/distilled/audio-to-video/lora';
const app = 'fal-ai/ltx-2-19b';
const input = { prompt: 'A woman speaks', audio_url: 'https://example.com/a.wav', loras: [] };
const unknownId = '01a20351-8294-7390-af0b-30f4fc2d971f';

const maker = new TestClipMaker();
let server: TestServer;
beforeAll(async () => {
  server = await startTestServer({ maker });
});
afterAll(() => server[Symbol.asyncDispose]());
beforeEach(() => {
  maker.behaviour = async () => {};
});

interface Reply {
  readonly status: number;
  readonly headers: Headers;
  // biome-ignore lint/suspicious/noExplicitAny: replies of every shape are looked into
  readonly body: any;
}

async function call(path: string, init: RequestInit = {}): Promise<Reply> {
  const reply = await fetch(new URL(path, server.url), { redirect: 'error', ...init });
  expect(reply.headers.get('x-fal-request-id')).toMatch(/^[0-9a-f-]{36}$/);
  const text = await reply.text();
  const isJson = reply.headers.get('content-type')?.includes('application/json') === true;
  return { status: reply.status, headers: reply.headers, body: isJson ? JSON.parse(text) : text };
}

function post(path: string, body: unknown = input, headers: Record<string, string> = {}): Promise<Reply> {
  return call(path, { method: 'POST', body: JSON.stringify(body), headers });
}

async function finished(requestId: string): Promise<void> {
  for await (const status of server.requests.watch(requestId)) if (status.state === 'COMPLETED') return;
}

/** Has every clip wait; resolves to the id of the one that runs once it does. */
async function running(): Promise<string> {
  maker.behaviour = untilAborted;
  const { body } = await post(`/queue/${id}`);
  for await (const status of server.requests.watch(body.request_id)) if (status.state === 'IN_PROGRESS') break;
  return body.request_id;
}

test('submit, status, result: both URL forms, with and without trailing slash', async () => {
  const { status, body } = await post(`/queue/${id}`);
  expect(status).toBe(200);
  expect(body).toMatchObject({ status: 'IN_QUEUE', queue_position: 0, logs: null, metrics: {} });
  const own = `${server.url}/queue/${app}/requests/${body.request_id}`;
  expect(body).toMatchObject({ response_url: own, status_url: `${own}/status`, cancel_url: `${own}/cancel` });
  await finished(body.request_id);
  for (const base of [`/queue/${app}`, `/queue/${id}`, `/${app}`, `/${id}`]) {
    for (const slash of ['', '/']) {
      const at = `${base}/requests/${body.request_id}`;
      const now = await call(`${at}/status${slash}`);
      expect([now.status, now.body.status]).toEqual([200, 'COMPLETED']);
      expect(now.body.metrics.inference_time).toBeGreaterThan(0);
      expect(now.headers.get('x-fal-billable-units')).toBeNull();
      for (const alias of ['', '/response']) {
        const result = await call(`${at}${alias}${slash}`);
        expect(result.body).toMatchObject({ seed: 7, prompt: input.prompt });
        expect(result.headers.get('x-fal-request-id')).toBe(body.request_id);
        expect(result.headers.get('x-fal-billable-units')).toBe('3');
      }
    }
  }
});

test('logs are a list when asked for and null otherwise', async () => {
  const { body } = await post(`/queue/${id}`);
  await finished(body.request_id);
  for (const [query, logs] of [
    ['', null],
    ['?logs=0', null],
    ['?logs=false', null],
    ['?logs=1', expect.any(Array)],
    ['?logs=true', expect.any(Array)],
  ]) {
    expect((await call(`/queue/${app}/requests/${body.request_id}/status${query}`)).body.logs).toEqual(logs);
  }
});

test('a request on its way: 202, 400 for its result, then cancelled', async () => {
  const requestId = await running();
  const at = `/queue/${app}/requests/${requestId}`;
  const now = await call(`${at}/status`);
  expect([now.status, now.body.status, now.body.logs]).toEqual([202, 'IN_PROGRESS', null]);
  expect((await call(at)).body).toEqual({ detail: 'Request is still in progress' });
  expect((await call(at)).status).toBe(400);
  const waiting = (await post(`/queue/${id}`)).body;
  expect((await call(`/queue/${app}/requests/${waiting.request_id}/status`)).body).toMatchObject({
    status: 'IN_QUEUE',
    queue_position: 0,
  });
  for (const [target, body] of [
    [waiting.request_id, undefined],
    [requestId, '{}'],
  ]) {
    const cancelled = await call(`/queue/${app}/requests/${target}/cancel`, { method: 'PUT', body });
    expect([cancelled.status, cancelled.body]).toEqual([202, { status: 'CANCELLATION_REQUESTED' }]);
    await finished(target);
    const again = await call(`/queue/${app}/requests/${target}/cancel`, { method: 'PUT' });
    expect([again.status, again.body]).toEqual([400, { status: 'ALREADY_COMPLETED' }]);
    const status = await call(`/queue/${app}/requests/${target}/status`);
    expect(status.body).toMatchObject({
      status: 'COMPLETED',
      error: expect.any(String),
      error_type: 'client_cancelled',
    });
    const result = await call(`/queue/${app}/requests/${target}`);
    expect([result.status, result.body.error_type]).toEqual([499, 'client_cancelled']);
    expect(result.headers.get('x-fal-error-type')).toBe('client_cancelled');
  }
});

test.each([unknownId, 'nonsense', '%00', "'; drop table requests; --", '..%2f..%2fetc'])(
  'unknown id %s',
  async (unknown) => {
    for (const [method, suffix] of [
      ['GET', '/status'],
      ['GET', '/status/stream'],
      ['GET', ''],
      ['PUT', '/cancel'],
    ] as const) {
      const reply = await call(`/queue/${app}/requests/${encodeURIComponent(unknown)}${suffix}`, { method });
      expect([reply.status, reply.body]).toEqual([404, { status: 'NOT_FOUND' }]);
    }
  },
);

test('a direct run returns the output object', async () => {
  for (const path of [`/run/${id}`, `/${id}`, `/${id}/`]) {
    const { status, headers, body } = await post(path, { ...input, seed: 11 });
    expect(status).toBe(200);
    expect(Object.keys(body).toSorted()).toEqual(['prompt', 'seed', 'video']);
    expect(body.seed).toBe(11);
    expect(headers.get('x-fal-billable-units')).toBe('3');
    const file = await fetch(body.video.url);
    expect(await file.text()).toBe('clip of A woman speaks');
  }
});

test('a direct run with invalid input says everything that is wrong', async () => {
  const { status, headers, body } = await post(`/run/${id}`, { ...input, loras: undefined, num_frames: 8 });
  expect(status).toBe(422);
  expect(headers.get('x-fal-billable-units')).toBe('0');
  expect(body.detail.map(({ loc }: { loc: unknown }) => loc)).toEqual([
    ['body', 'num_frames'],
    ['body', 'loras'],
  ]);
});

test('a run that cannot start in time', async () => {
  const blocker = await running();
  const { status, headers, body } = await post(`/run/${id}`, input, { 'x-fal-request-timeout': '0.2' });
  expect([status, body.error_type]).toEqual([504, 'request_timeout']);
  expect(headers.get('x-fal-request-timeout-type')).toBe('user');
  await server.requests.cancel(blocker, 'client_cancelled');
});

test('a caller who leaves cancels the run', async () => {
  maker.behaviour = untilAborted;
  for (const path of [`/run/${id}`, `/run/${id}/stream`]) {
    const controller = new AbortController();
    const before = maker.started.length;
    const init = { method: 'POST', body: JSON.stringify(input), signal: controller.signal };
    const gone = fetch(new URL(path, server.url), init).then((reply) => reply.text());
    while (maker.started.length === before) await new Promise((resolve) => setTimeout(resolve, 10));
    controller.abort();
    await expect(gone).rejects.toThrow();
    const requestId = maker.started.at(-1) ?? '';
    await finished(requestId);
    expect(await server.requests.outcome(requestId, '')).toMatchObject({
      statusCode: 499,
      errorType: 'client_disconnected',
    });
  }
  expect((await call('/metrics')).body).toContain('soundstage_open_replies 0');
});

test('the status stream sends events until the end, whatever Accept says', async () => {
  maker.behaviour = async (_, { log }) => log('INFO', 'denoising 1/8 – ünïcode');
  const { body } = await post(`/queue/${id}`);
  const at = `/queue/${app}/requests/${body.request_id}/status/stream?logs=1`;
  const stream = await call(at, { headers: { accept: 'application/json' } });
  expect(stream.headers.get('content-type')).toBe('text/event-stream');
  const events = eventsOf(stream.body);
  expect(events.at(-1).status).toBe('COMPLETED');
  const messages = events.flatMap(({ logs }) => logs).map(({ message }) => message);
  expect(messages).toContain('denoising 1/8 – ünïcode');
  expect(new Set(messages).size).toBe(messages.length);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: ASCII is what is asked for
  expect(stream.body).toMatch(/^[\x00-\x7f]*$/);
  const late = await call(at);
  expect(eventsOf(late.body).map(({ status }) => status)).toEqual(['COMPLETED']);
});

// biome-ignore lint/suspicious/noExplicitAny: events of every shape are looked into
function eventsOf(text: string): any[] {
  const lines = text.split('\n\n').filter((part) => part.startsWith('data: '));
  return lines.map((line) => JSON.parse(line.slice('data: '.length)));
}

test('a run as a stream ends with the output', async () => {
  maker.behaviour = async (_, { log }) => log('INFO', 'denoising 1/8');
  const { status, headers, body } = await post(`/run/${id}/stream`);
  expect([status, headers.get('content-type')]).toEqual([200, 'text/event-stream']);
  expect(eventsOf(body).at(-1)).toMatchObject({ seed: 7, prompt: input.prompt });
  expect((await post(`/run/${id}/stream`, {})).status).toBe(422);
});

test('a run as a stream breaks off when it fails', async () => {
  maker.behaviour = async () => {
    await new Promise((resolve) => setTimeout(resolve, 200));
    throw new Error('a defect');
  };
  await expect(post(`/run/${id}/stream`)).rejects.toThrow();
  const { status, body } = await post(`/run/${id}`);
  expect([status, JSON.stringify(body)]).toEqual([500, expect.not.stringContaining('a defect')]);
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
  const reply = await call(path, { method });
  expect(reply.status).toBe(status);
  expect(reply.headers.get('content-type')).toContain('application/json');
});

test('what is not found is named', async () => {
  expect((await post('/run/fal-ai/nope')).body).toEqual({ detail: 'Application "nope" not found' });
  const { headers, body } = await post(`/run/${app}/no/such/path`);
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
  const reply = await call(`/run/${id}`, { method: 'POST', body });
  expect(reply.status).toBe(status);
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

test.each(['abc', '-1', '0.05'])('start timeout %s is a bad request', async (timeout) => {
  for (const surface of ['run', 'queue']) {
    const { status, headers, body } = await post(`/${surface}/${id}`, input, { 'x-fal-request-timeout': timeout });
    expect([status, body.error_type, headers.get('x-fal-error-type')]).toEqual([400, 'bad_request', 'bad_request']);
  }
});

test('the longest queue a caller accepts', async () => {
  const blocker = await running();
  const waiting = (await post(`/queue/${id}`)).body.request_id;
  const { status, headers } = await post(`/queue/${id}?fal_max_queue_length=0`);
  expect([status, headers.get('x-fal-needs-retry')]).toEqual([429, '1']);
  for (const open of [waiting, blocker]) await server.requests.cancel(open, 'client_cancelled');
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
  const { headers } = await call('/fal/proxy', { headers: { origin: 'https://a.example' } });
  expect(headers.get('access-control-expose-headers')).toContain('x-fal-request-id');
});

test('the proxy route answers for the platform', async () => {
  for (const route of ['/fal/proxy', '/api/fal/proxy']) {
    const target = (url: string) => ({ 'x-fal-target-url': url });
    const submitted = await post(route, input, target(`https://queue.fal.run/${id}`));
    expect(submitted.body).toMatchObject({
      status: 'IN_QUEUE',
      status_url: expect.stringMatching(/^https:\/\/queue\.fal\.run\//),
    });
    const requestId = submitted.body.request_id;
    await finished(requestId);
    const at = `https://queue.fal.run/${app}/requests/${requestId}`;
    const status = await call(route, { headers: target(`${at}/status?logs=1`) });
    expect(status.body).toMatchObject({ status: 'COMPLETED', logs: expect.any(Array) });
    const result = await call(route, { headers: target(at) });
    expect(result.body.video.url).toMatch(`${server.url}/cdn/files/`);
    const cancelled = await call(route, { method: 'PUT', body: '{}', headers: target(`${at}/cancel`) });
    expect(cancelled.body).toEqual({ status: 'ALREADY_COMPLETED' });
    const output = await post(route, input, target(`https://fal.run/${id}`));
    expect(output.body).toMatchObject({ seed: 7 });
    expect((await post(route, {}, target(`https://fal.run/${id}`))).status).toBe(422);
    const upload = 'https://rest.fal.ai/storage/upload/initiate?storage_type=fal-cdn-v3';
    const { body } = await post(route, { content_type: 'audio/wav', file_name: 'a.wav' }, target(upload));
    expect(body.upload_url).toMatch(`${server.url}/cdn/`);
    expect(body.file_url).toMatch(`${server.url}/cdn/`);
    const own = await post(route, input, target(`${server.url}/queue/${id}`));
    expect(own.body.status_url).toMatch(`${server.url}/queue/`);
  }
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
  const reply = await post('/fal/proxy', input, target === undefined ? {} : { 'x-fal-target-url': target });
  expect([reply.status, reply.body]).toEqual([400, 'Invalid request']);
});

test('the proxy route does not go round in circles', async () => {
  const reply = await post('/fal/proxy', input, { 'x-fal-target-url': `${server.url}/fal/proxy` });
  expect([reply.status, reply.body]).toEqual([400, 'Invalid request']);
});

test('a stray target header steers nothing', async () => {
  const reply = await post(`/run/${id}`, input, { 'x-fal-target-url': `https://queue.fal.run/${id}` });
  expect(reply.body).toMatchObject({ seed: 7 });
});

test('documents, models and prices', async () => {
  expect((await call(`/models/${id}/llms.txt`)).body).toContain('# LTX-2 19B Distilled');
  const document = await call(`/api/openapi/queue/openapi.json?endpoint_id=${id}`);
  expect(document.body.openapi).toBe('3.0.4');
  expect((await call('/api/openapi/queue/openapi.json?endpoint_id=x/y')).status).toBe(404);
  const models = await call(`/v1/models?endpoint_id=${id}&expand=openapi-3.0`);
  expect(models.body.models[0]).toMatchObject({ endpoint_id: id, openapi: { openapi: '3.0.4' } });
  const prices = await call(`/v1/models/pricing?endpoint_id=${id}`);
  expect(prices.body.prices).toEqual([{ endpoint_id: id, unit_price: 0.001, unit: 'megapixels', currency: 'USD' }]);
  const estimated = await post('/v1/models/pricing/estimate', {
    estimate_type: 'unit_price',
    endpoints: { [id]: { unit_quantity: 112 } },
  });
  expect(estimated.body).toEqual({ estimate_type: 'unit_price', total_cost: 0.112, currency: 'USD' });
  expect((await call('/')).body).toContain('llms.txt');
});

test('usage, history and the deletion of payloads', async () => {
  const { headers, body } = await post(`/run/${id}`);
  const requestId = headers.get('x-fal-request-id') ?? '';
  const usage = await call(`/v1/models/usage?endpoint_id=${id}&timeframe=month&expand=time_series,summary`);
  expect(usage.body.summary[0]).toMatchObject({ endpoint_id: id, unit: 'megapixels', unit_price: 0.001 });
  const listed = await call(
    `/v1/models/requests/by-endpoint?endpoint_id=${id}&request_id=${requestId}&expand=payloads`,
  );
  expect(listed.body.items).toMatchObject([
    { request_id: requestId, status_code: 200, json_input: input, json_output: body },
  ]);
  const page = await call(`/v1/models/requests/by-endpoint?endpoint_id=${id}&limit=1`);
  expect(page.body).toMatchObject({ items: [{ request_id: requestId }], has_more: true });
  const erased = await call(`/v1/models/requests/${requestId}/payloads`, { method: 'DELETE' });
  expect(erased.body).toEqual({ cdn_delete_results: [{ link: body.video.url, exception: null }] });
  expect((await fetch(body.video.url)).status).toBe(404);
  expect((await call(`/queue/${app}/requests/${requestId}`)).status).toBe(404);
  const unknown = await call(`/v1/models/requests/${unknownId}/payloads`, { method: 'DELETE' });
  expect(unknown.body.error).toMatchObject({ type: 'not_found', request_id: unknown.headers.get('x-fal-request-id') });
  const bad = await call(`/v1/models/requests/by-endpoint?endpoint_id=${id}&limit=0`);
  expect([bad.status, bad.body.error.type]).toEqual([400, 'validation_error']);
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
