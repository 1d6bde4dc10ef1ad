import { afterAll, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { startTestServer, type TestServer } from '../../../test/support/server.ts';
import { TestClipMaker, untilAborted } from '../../jobs/jobs.test-support.ts';
import { Calls, eventsOf, id, input } from '../calls.test-support.ts';

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

test('a direct run returns the output object', async () => {
  for (const path of [`/run/${id}`, `/${id}`, `/${id}/`]) {
    const { status, headers, body } = await calls.post(path, { ...input, seed: 11 });
    expect(status).toBe(200);
    expect(Object.keys(body).toSorted()).toEqual(['prompt', 'seed', 'video']);
    expect(body.seed).toBe(11);
    expect(headers.get('x-fal-billable-units')).toBe('3');
    const file = await fetch(body.video.url);
    expect(await file.text()).toBe('clip of A woman speaks');
  }
});

test('a direct run with invalid input says everything that is wrong', async () => {
  const { status, headers, body } = await calls.post(`/run/${id}`, { ...input, loras: undefined, num_frames: 8 });
  expect(status).toBe(422);
  expect(headers.get('x-fal-billable-units')).toBe('0');
  expect(body.detail.map(({ loc }: { loc: unknown }) => loc)).toEqual([
    ['body', 'num_frames'],
    ['body', 'loras'],
  ]);
});

test('a run that cannot start in time', async () => {
  const blocker = await calls.running();
  const { status, headers, body } = await calls.post(`/run/${id}`, input, { 'x-fal-request-timeout': '0.2' });
  expect([status, body.error_type]).toEqual([504, 'request_timeout']);
  expect(headers.get('x-fal-request-timeout-type')).toBe('user');
  await server.requests.cancel(blocker, 'client_cancelled');
});

test('a caller who leaves cancels the run', async () => {
  maker.behavior = untilAborted;
  for (const path of [`/run/${id}`, `/run/${id}/stream`, '/fal/proxy']) {
    const controller = new AbortController();
    const before = maker.started.length;
    const headers = { 'x-fal-target-url': `https://fal.run/${id}` };
    const init = { method: 'POST', body: JSON.stringify(input), headers, signal: controller.signal };
    const gone = fetch(new URL(path, server.url), init).then((reply) => reply.text());
    while (maker.started.length === before) await new Promise((resolve) => setTimeout(resolve, 10));
    controller.abort();
    await expect(gone).rejects.toThrow();
    const requestId = maker.started.at(-1) ?? '';
    await calls.finished(requestId);
    expect(await server.requests.outcome(requestId, '')).toMatchObject({
      statusCode: 499,
      errorType: 'client_disconnected',
    });
  }
  expect((await calls.call('/metrics')).body).toContain('soundstage_open_replies 0');
});

test('a run as a stream ends with the output', async () => {
  maker.behavior = async (_, { log }) => log('INFO', 'denoising 1/8');
  const { status, headers, body } = await calls.post(`/run/${id}/stream`);
  expect([status, headers.get('content-type')]).toEqual([200, 'text/event-stream']);
  expect(eventsOf(body).at(-1)).toMatchObject({ seed: 7, prompt: input.prompt });
  expect((await calls.post(`/run/${id}/stream`, {})).status).toBe(422);
});

test('a run as a stream that is over before its first event is a stream all the same', async () => {
  const submit = vi.spyOn(server.requests, 'submit').mockImplementation(async (submission) => {
    submit.mockRestore();
    const accepted = await server.requests.submit(submission);
    await calls.finished(accepted.id);
    return accepted;
  });
  const { status, headers, body } = await calls.post(`/run/${id}/stream`);
  expect([status, headers.get('content-type')]).toEqual([200, 'text/event-stream']);
  expect(eventsOf(body)).toMatchObject([{ seed: 7, prompt: input.prompt }]);
});

test('every stream is heard of at once, and at least every 3 s while nothing happens', async () => {
  const requestId = await calls.running();
  const request = `/queue/${id}/requests/${requestId}`;
  const submitted = { method: 'POST', body: JSON.stringify(input) };
  const streams = [
    [`${request}/status/stream?logs=1`, {}],
    [`${request}/progress/stream`, {}],
    [`/run/${id}/stream`, submitted],
    ['/fal/proxy', { ...submitted, headers: { 'x-fal-target-url': `https://fal.run/${id}/stream` } }],
  ] as const;
  const heard = streams.map(async ([path, init]) => {
    const times = [performance.now()];
    const reply = await fetch(new URL(path, server.url), init);
    const reader = reply.body?.getReader();
    for (let text = ''; !text.includes('\n: '); times.push(performance.now())) {
      text += `\n${new TextDecoder().decode((await reader?.read())?.value)}`;
    }
    await reader?.cancel();
    return times.slice(1).map((at, index) => at - (times[index] ?? 0));
  });
  for (const silences of await Promise.all(heard)) {
    expect(silences[0]).toBeLessThan(1500);
    expect(Math.max(...silences)).toBeLessThan(3000);
  }
  await server.requests.cancel(requestId, 'client_cancelled');
});

test('a run as a stream breaks off when it fails', async () => {
  maker.behavior = async () => {
    await new Promise((resolve) => setTimeout(resolve, 200));
    throw new Error('a defect');
  };
  await expect(calls.post(`/run/${id}/stream`)).rejects.toThrow();
  const { status, body } = await calls.post(`/run/${id}`);
  expect([status, JSON.stringify(body)]).toEqual([500, expect.not.stringContaining('a defect')]);
});
