import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { modelErrorTypes, requestErrorTypes } from '../../src/contract/errors/error-types.ts';
import { TestClipMaker, untilAborted } from '../../src/jobs/jobs.test-support.ts';
import { SoundstageError } from '../../src/shared/errors.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { app, endpointId, input } from './support/endpoint.ts';
import { eventually } from './support/eventually.ts';

const maker = new TestClipMaker();
let server: TestServer;
beforeAll(async () => {
  server = await startTestServer({ maker, settings: { SOUNDSTAGE_MAX_CONCURRENT_RUNS: '2' } });
});
afterAll(() => server[Symbol.asyncDispose]());

interface Reply {
  readonly status: number;
  readonly headers: Headers;
  // biome-ignore lint/suspicious/noExplicitAny: replies of every shape are looked into
  readonly body: any;
}

async function ask(path: string, init?: RequestInit): Promise<Reply> {
  const response = await fetch(`${server.url}${path}`, init);
  return { status: response.status, headers: response.headers, body: await response.json() };
}

function post(surface: 'run' | 'queue', changes: object = {}, headers: Record<string, string> = {}): Promise<Reply> {
  return ask(`/${surface}/${endpointId}`, { method: 'POST', headers, body: JSON.stringify({ ...input, ...changes }) });
}

/** Posts to the queue and waits for the result. */
async function queued(changes: object = {}, headers: Record<string, string> = {}): Promise<Reply> {
  const { body } = await post('queue', changes, headers);
  return await settled(body.request_id);
}

async function settled(id: string): Promise<Reply> {
  const path = `/queue/${app}/requests/${id}`;
  await eventually(
    20_000,
    async () => (await ask(`${path}/status`)).body.status === 'COMPLETED',
    () => id,
  );
  return await ask(path);
}

/** What every error says in its headers. */
function expectErrorHeaders({ headers }: Reply, retryable: boolean): void {
  expect(headers.get('content-type')).toContain('application/json');
  expect(headers.get('x-fal-request-id')).toMatch(/^[0-9a-f-]{36}$/);
  expect(headers.get('x-fal-billable-units')).toBe('0');
  expect(headers.get('x-fal-needs-retry')).toBe(retryable ? '1' : '0');
  expect(headers.get('x-fal-retryable')).toBe(String(retryable));
}

test.each([
  ['greater_than_equal', { num_frames: 8 }, 'num_frames', { ge: 9 }],
  ['less_than_equal', { num_frames: 482 }, 'num_frames', { le: 481 }],
  ['less_than_equal', { fps: 61 }, 'fps', { le: 60 }],
  ['less_than_equal', { video_size: { width: 20_000, height: 64 } }, 'video_size.width', { le: 2048 }],
  ['less_than_equal', { loras: [{ path: 'a/b', scale: 5 }] }, 'loras.0.scale', { le: 4 }],
  ['one_of', { video_quality: 'best' }, 'video_quality', { expected: ['low', 'medium', 'high', 'maximum'] }],
  ['sequence_too_short', { prompt: '' }, 'prompt', { min_length: 1 }],
  ['sequence_too_long', { prompt: 'a'.repeat(5001) }, 'prompt', { max_length: 5000 }],
  ['missing', { audio_url: undefined }, 'audio_url', undefined],
])('7.2 %s of the schema', async (type, changes, field, ctx) => {
  for (const reply of [await post('run', changes), await queued(changes)]) {
    expect(reply.status).toBe(422);
    const loc = ['body', ...field.split('.').map((key) => (/^\d+$/.test(key) ? Number(key) : key))];
    const expected = { loc, type, msg: expect.any(String), url: expect.stringContaining(type) };
    expect(reply.body).toMatchObject({ detail: [ctx === undefined ? expected : { ...expected, ctx }] });
    expectErrorHeaders(reply, false);
  }
});

const ctxOf: Readonly<Record<string, unknown>> = { max_size: 1, expected: ['a'], supported_formats: ['wav'] };

test.each(Object.entries(modelErrorTypes))('7.2 %s while a clip is made', async (type, { status, retryable, ctx }) => {
  const context = Object.fromEntries(ctx.map((name) => [name, ctxOf[name] ?? 1]));
  maker.behavior = async () => {
    throw new SoundstageError('input', 'it is not to be', { field: 'audio_url', type, context });
  };
  for (const reply of [await post('run'), await queued()]) {
    expect(reply.status).toBe(status);
    const loc = ['body', 'audio_url'];
    expect(reply.body).toMatchObject({ detail: [{ loc, type, msg: 'it is not to be', input: input.audio_url }] });
    if (ctx.length > 0) expect(reply.body.detail[0].ctx).toEqual(context);
    expectErrorHeaders(reply, retryable);
  }
  maker.behavior = async () => {};
});

test('7.2 an engine that crashes every time, and one that crashes once', async () => {
  let tries = 0;
  maker.behavior = async () => {
    tries += 1;
    throw new SoundstageError('crash', 'gone at /home/somebody/secret');
  };
  const reply = await queued();
  expect([reply.status, tries]).toEqual([500, 3]);
  expect(reply.body).toMatchObject({ detail: [{ loc: ['body'], type: 'internal_server_error' }] });
  expect(JSON.stringify(reply.body)).not.toContain('secret');
  expectErrorHeaders(reply, true);
  tries = 0;
  expect([(await queued({}, { 'x-fal-no-retry': '1' })).status, tries]).toEqual([500, 1]);
  maker.behavior = async () => {
    maker.behavior = async () => {};
    throw new SoundstageError('crash', 'gone');
  };
  expect((await queued()).status).toBe(200);
});

test('7.3 every type that this server uses has its status', () => {
  const statuses = Object.fromEntries(Object.entries(requestErrorTypes).map(([name, { status }]) => [name, status]));
  expect(statuses).toMatchObject({
    ...{ request_timeout: 504, startup_timeout: 504, runner_scheduling_failure: 503, runner_connection_timeout: 503 },
    ...{ runner_disconnected: 503, runner_connection_refused: 503, runner_connection_error: 503 },
    ...{ runner_incomplete_response: 502, runner_server_error: 500, internal_error: 500, client_disconnected: 499 },
    ...{ client_cancelled: 499, bad_request: 400, concurrent_requests_limit: 429 },
  });
});

test('7.3 request_timeout, client_cancelled, client_disconnected, concurrent_requests_limit, bad_request', async () => {
  maker.behavior = untilAborted;
  const { body: busy } = await post('queue');
  await eventually(
    5000,
    () => maker.started.includes(busy.request_id),
    () => maker.started,
  );

  for (const late of [
    await post('run', {}, { 'x-fal-request-timeout': '0.3' }),
    await queued({}, { 'x-fal-request-start-timeout': '0.3', 'x-fal-request-timeout': '3600' }),
  ]) {
    expect([late.status, late.body]).toMatchObject([
      504,
      { detail: expect.any(String), error_type: 'request_timeout' },
    ]);
    expect(late.headers.get('x-fal-request-timeout-type')).toBe('user');
    expect(late.headers.get('x-fal-error-type')).toBe('request_timeout');
  }

  const controller = new AbortController();
  const runs = [1, 2].map(() =>
    fetch(`${server.url}/run/${endpointId}`, {
      method: 'POST',
      body: JSON.stringify(input),
      signal: controller.signal,
    }).catch(() => 'gone'),
  );
  await eventually(
    5000,
    async () => (await server.requests.counts()).waiting === 2,
    () => server.requests.counts(),
  );
  const third = await post('run');
  expect([third.status, third.body]).toMatchObject([429, { error_type: 'concurrent_requests_limit' }]);
  expectErrorHeaders(third, true);
  const full = await ask(`/queue/${endpointId}?fal_max_queue_length=1`, {
    method: 'POST',
    body: JSON.stringify(input),
  });
  expect([full.status, full.body]).toMatchObject([429, { error_type: 'concurrent_requests_limit' }]);
  controller.abort();
  expect(await Promise.all(runs)).toEqual(['gone', 'gone']);
  await eventually(
    5000,
    async () => (await server.requests.counts()).waiting === 0,
    () => server.requests.counts(),
  );
  const { rows } = await ended('client_disconnected');
  expect(rows).toEqual([499, 499]);

  const cancelled = await ask(`/queue/${app}/requests/${busy.request_id}/cancel`, { method: 'PUT' });
  expect([cancelled.status, cancelled.body]).toEqual([202, { status: 'CANCELLATION_REQUESTED' }]);
  const result = await settled(busy.request_id);
  expect([result.status, result.body]).toMatchObject([499, { error_type: 'client_cancelled' }]);
  expectErrorHeaders(result, false);
  const again = await ask(`/queue/${app}/requests/${busy.request_id}/cancel`, { method: 'PUT' });
  expect([again.status, again.body]).toEqual([400, { status: 'ALREADY_COMPLETED' }]);
  maker.behavior = async () => {};

  const bad = await post('queue', {}, { 'x-fal-request-timeout': 'soon' });
  expect([bad.status, bad.body]).toMatchObject([400, { error_type: 'bad_request' }]);
  expectErrorHeaders(bad, false);
});

async function ended(errorType: string): Promise<{ rows: readonly (number | null)[] }> {
  const query = server.database.kysely.selectFrom('requests').select('status_code').where('error_type', '=', errorType);
  return { rows: (await query.execute()).map(({ status_code: code }) => code) };
}

test('7.4 an unknown path, a failure nobody foresaw, a request that is not over', async () => {
  const path = await ask(`/run/${app}/x`, { method: 'POST', body: '{}' });
  expect([path.status, path.body]).toEqual([404, { detail: 'Path /x not found' }]);
  expect(path.headers.get('x-fal-billable-units')).toBe('0');

  maker.behavior = async () => {
    throw new Error('a bug at /home/somebody/secret');
  };
  const bug = await post('run');
  expect(bug.status).toBe(500);
  expect(JSON.stringify(bug.body)).toContain('Internal Server Error');
  expect(JSON.stringify(bug.body)).not.toContain('secret');
  expectErrorHeaders(bug, true);

  maker.behavior = () => wait(300);
  const { body } = await post('queue');
  const early = await ask(`/queue/${app}/requests/${body.request_id}`);
  expect([early.status, early.body]).toEqual([400, { detail: 'Request is still in progress' }]);
  expect((await settled(body.request_id)).status).toBe(200);
  maker.behavior = async () => {};
});
