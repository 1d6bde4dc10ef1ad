import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { startTestServer, type TestServer } from '../../../test/support/server.ts';
import { endpointsById } from '../../contract/endpoint.ts';
import { audioToVideo } from '../../contract/endpoints/audio-to-video.ts';
import { audioToVideoLora } from '../../contract/endpoints/audio-to-video-lora.ts';
import { TestClipMaker } from '../../jobs/jobs.test-support.ts';
import { app, Calls, eventsOf, id, input, unknownId } from '../calls.test-support.ts';

const other = { ...audioToVideo, id: 'acme/films/short', app: 'acme/films' };
const maker = new TestClipMaker();
let server: TestServer;
const calls = new Calls(() => server, maker);
beforeAll(async () => {
  server = await startTestServer({ maker, endpoints: endpointsById([audioToVideoLora, other]) });
});
afterAll(() => server[Symbol.asyncDispose]());
beforeEach(() => {
  maker.behavior = async () => {};
});

test('submit, status, result: both URL forms, with and without trailing slash', async () => {
  const { status, body } = await calls.post(`/queue/${id}`);
  expect(status).toBe(200);
  expect(body).toMatchObject({ status: 'IN_QUEUE', queue_position: 0, logs: null, metrics: {} });
  const own = `${server.url}/queue/${app}/requests/${body.request_id}`;
  expect(body).toMatchObject({ response_url: own, status_url: `${own}/status`, cancel_url: `${own}/cancel` });
  await calls.finished(body.request_id);
  for (const base of [`/queue/${app}`, `/queue/${id}`, `/${app}`, `/${id}`]) {
    for (const slash of ['', '/']) {
      const at = `${base}/requests/${body.request_id}`;
      const now = await calls.call(`${at}/status${slash}`);
      expect([now.status, now.body.status]).toEqual([200, 'COMPLETED']);
      expect(now.body.metrics.inference_time).toBeGreaterThan(0);
      expect(now.headers.get('x-fal-billable-units')).toBeNull();
      for (const alias of ['', '/response']) {
        const result = await calls.call(`${at}${alias}${slash}`);
        expect(result.body).toMatchObject({ seed: 7, prompt: input.prompt });
        expect(result.headers.get('x-fal-request-id')).toBe(body.request_id);
        expect(result.headers.get('x-fal-billable-units')).toBe('3');
      }
    }
  }
});

test('logs are a list when asked for and null otherwise', async () => {
  const { body } = await calls.post(`/queue/${id}`);
  await calls.finished(body.request_id);
  for (const [query, logs] of [
    ['', null],
    ['?logs=0', null],
    ['?logs=false', null],
    ['?logs=1', expect.any(Array)],
    ['?logs=true', expect.any(Array)],
  ]) {
    expect((await calls.call(`/queue/${app}/requests/${body.request_id}/status${query}`)).body.logs).toEqual(logs);
  }
});

test('a request on its way: 202, 400 for its result, then cancelled', async () => {
  const requestId = await calls.running();
  const at = `/queue/${app}/requests/${requestId}`;
  const now = await calls.call(`${at}/status`);
  expect([now.status, now.body.status, now.body.logs]).toEqual([202, 'IN_PROGRESS', null]);
  expect((await calls.call(at)).body).toEqual({ detail: 'Request is still in progress' });
  expect((await calls.call(at)).status).toBe(400);
  const waiting = (await calls.post(`/queue/${id}`)).body;
  expect((await calls.call(`/queue/${app}/requests/${waiting.request_id}/status`)).body).toMatchObject({
    status: 'IN_QUEUE',
    queue_position: 0,
  });
  for (const [target, body] of [
    [waiting.request_id, undefined],
    [requestId, '{}'],
  ]) {
    const cancelled = await calls.call(`/queue/${app}/requests/${target}/cancel`, { method: 'PUT', body });
    expect([cancelled.status, cancelled.body]).toEqual([202, { status: 'CANCELLATION_REQUESTED' }]);
    await calls.finished(target);
    const again = await calls.call(`/queue/${app}/requests/${target}/cancel`, { method: 'PUT' });
    expect([again.status, again.body]).toEqual([400, { status: 'ALREADY_COMPLETED' }]);
    const status = await calls.call(`/queue/${app}/requests/${target}/status`);
    expect(status.body).toMatchObject({
      status: 'COMPLETED',
      error: expect.any(String),
      error_type: 'client_cancelled',
    });
    const result = await calls.call(`/queue/${app}/requests/${target}`);
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
      const reply = await calls.call(`/queue/${app}/requests/${encodeURIComponent(unknown)}${suffix}`, { method });
      expect([reply.status, reply.body]).toEqual([404, { status: 'NOT_FOUND' }]);
    }
  },
);

test('the status stream sends events until the end, whatever Accept says', async () => {
  maker.behavior = async (_, { log }) => log('INFO', 'denoising 1/8 – ünïcode');
  const { body } = await calls.post(`/queue/${id}`);
  const at = `/queue/${app}/requests/${body.request_id}/status/stream?logs=1`;
  const stream = await calls.call(at, { headers: { accept: 'application/json' } });
  expect(stream.headers.get('content-type')).toBe('text/event-stream');
  const events = eventsOf(stream.body);
  expect(events.at(-1).status).toBe('COMPLETED');
  const messages = events.flatMap(({ logs }) => logs).map(({ message }) => message);
  expect(messages).toContain('denoising 1/8 – ünïcode');
  expect(new Set(messages).size).toBe(messages.length);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: ASCII is what is asked for
  expect(stream.body).toMatch(/^[\x00-\x7f]*$/);
  const late = await calls.call(at);
  expect(eventsOf(late.body).map(({ status }) => status)).toEqual(['COMPLETED']);
});

test.each(['abc', '-1', '0.05'])('start timeout %s is a bad request', async (timeout) => {
  for (const surface of ['run', 'queue']) {
    const { status, headers, body } = await calls.post(`/${surface}/${id}`, input, {
      'x-fal-request-timeout': timeout,
    });
    expect([status, body.error_type, headers.get('x-fal-error-type')]).toEqual([400, 'bad_request', 'bad_request']);
  }
});

test('the longest queue a caller accepts', async () => {
  const blocker = await calls.running();
  const waiting = (await calls.post(`/queue/${id}`)).body.request_id;
  const { status, headers } = await calls.post(`/queue/${id}?fal_max_queue_length=0`);
  expect([status, headers.get('x-fal-needs-retry')]).toEqual([429, '1']);
  for (const open of [waiting, blocker]) await server.requests.cancel(open, 'client_cancelled');
});

test('a request is kept under the app of its endpoint, and not under another one', async () => {
  const { body } = await calls.post(`/queue/${other.id}`);
  await calls.finished(body.request_id);
  expect(body.status_url).toBe(`${server.url}/queue/acme/films/requests/${body.request_id}/status`);
  for (const base of [other.app, other.id]) {
    expect((await calls.call(`/queue/${base}/requests/${body.request_id}`)).status).toBe(200);
  }
  for (const base of [app, id]) {
    const elsewhere = await calls.call(`/queue/${base}/requests/${body.request_id}/status`);
    expect([elsewhere.status, elsewhere.body]).toEqual([404, { status: 'NOT_FOUND' }]);
  }
  // Only what the server was given is served.
  expect((await calls.post(`/run/${audioToVideo.id}`)).status).toBe(404);
});
