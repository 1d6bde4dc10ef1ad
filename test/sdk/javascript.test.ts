import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ApiError, createFalClient, type QueueStatus, ValidationError } from '@fal-ai/client';
import { afterAll, expect, test } from 'vitest';
import { endpointId, plainEndpointId, recording, rewriteHost, smallClip } from '../support/endpoint.ts';
import { expectPlayable, type Output } from '../support/media/playable.ts';
import { startTestServer } from '../support/server.ts';
import { startFaultFront } from './fault-front.ts';

const server = await startTestServer({ maker: 'pipeline' });
afterAll(() => server[Symbol.asyncDispose]());

const credentials = 'local:local';
const sound = await recording();
const soundBlob = new Blob([sound], { type: 'audio/wav' });
const byProxy = { credentials, proxyUrl: { url: `${server.url}/fal/proxy`, when: 'always' as const } };
const byFetch = { credentials, fetch: fetchFrom(server.url) };
/** One of the embedded model's own adapters. */
const neonPath = join(import.meta.dirname, '../../models/nano/loras/nano-style-neon.safetensors');
const longClip = { ...smallClip, num_frames: 481, video_size: { width: 512, height: 512 } };

test('20, 125 JS proxyUrl: subscribe with logs and updates, the sound a Blob', async () => {
  const fal = createFalClient(byProxy);
  const updates: QueueStatus[] = [];
  let enqueued: string | undefined;
  const { data, requestId } = await fal.subscribe(endpointId, {
    input: { ...smallClip, audio_url: soundBlob, seed: 7 },
    logs: true,
    pollInterval: 100,
    onEnqueue: (id) => {
      enqueued = id;
    },
    onQueueUpdate: (update) => {
      updates.push(update);
    },
  });
  expect(requestId).toMatch(/^[0-9a-f-]{36}$/);
  expect(requestId).toBe(enqueued);
  expect(data).toMatchObject({ seed: 7, prompt: smallClip.prompt });
  await expectPlayable(data as Output);
  expect(new Set(updates.map(({ status }) => status))).toContain('IN_PROGRESS');
  const last = updates.at(-1);
  if (last?.status !== 'COMPLETED') throw new Error('the last update is not the completed one');
  expect(last.logs.map(({ message }) => message).join('\n')).toMatch(/denoising \d+\/\d+/);
  expect(last.metrics?.inference_time).toBeGreaterThan(0);
});

test('21 JS requestMiddleware: subscribe', async () => {
  const fal = createFalClient({
    credentials,
    requestMiddleware: async (request) => ({ ...request, url: rewriteHost(request.url, server.url) }),
  });
  const updates: string[] = [];
  const { data, requestId } = await fal.subscribe(endpointId, {
    input: { ...smallClip, audio_url: soundBlob },
    logs: true,
    onQueueUpdate: (update) => {
      // The documented snippet maps over the logs without a look at them.
      if (update.status === 'IN_PROGRESS') updates.push(...update.logs.map((log) => log.message));
    },
  });
  expect(requestId).toMatch(/^[0-9a-f-]{36}$/);
  await expectPlayable(data as Output);
});

test('126 JS custom fetch: Blobs nested in arrays and objects are uploaded, and used', async () => {
  const fal = createFalClient(byFetch);
  const lora = new Blob([await readFile(neonPath)], { type: 'application/octet-stream' });
  const input = { ...smallClip, audio_url: soundBlob, seed: 3 };
  const [plain, adapted] = [
    await fal.subscribe(endpointId, { input }),
    await fal.subscribe(endpointId, { input: { ...input, loras: [{ path: lora as unknown as string, scale: 4 }] } }),
  ].map(({ data }) => data as Output);
  if (plain === undefined || adapted === undefined) throw new Error('a clip is missing');
  await expectPlayable(plain);
  await expectPlayable(adapted);
  const [before, after] = await Promise.all(
    [plain, adapted].map(async ({ video }) => Buffer.from(await (await fetch(video.url)).arrayBuffer())),
  );
  expect(before?.equals(after ?? Buffer.alloc(0))).toBe(false);
});

test('JS, the endpoint without LoRAs: subscribe, run and stream; LoRAs that are sent are ignored', async () => {
  const fal = createFalClient(byProxy);
  // The client's own types know of none there.
  const endpoint: string = plainEndpointId;
  const { loras: _, ...clip } = smallClip;
  const input = { ...clip, audio_url: await fal.storage.upload(soundBlob), seed: 3 };
  const { data, requestId } = await fal.subscribe(plainEndpointId, { input, logs: true, pollInterval: 100 });
  await expectPlayable(data as Output);
  expect((await fal.queue.status(plainEndpointId, { requestId })).status).toBe('COMPLETED');
  const ran = await fal.run(endpoint, { input: { ...input, loras: [{ path: neonPath, scale: 4 }] } });
  const streamed = await (await fal.stream(endpoint, { input: { ...input, loras: 'none' } })).done();
  const [first, ...others] = await Promise.all(
    [data, ran.data, streamed].map(async (output) => {
      const reply = await fetch((output as Output).video.url);
      return Buffer.from(await reply.arrayBuffer());
    }),
  );
  for (const other of others) expect(first?.equals(other)).toBe(true);
});

test('54 JS run: the output itself, and the request id from the header', async () => {
  const ids: (string | null)[] = [];
  const fal = createFalClient({
    credentials,
    fetch: async (url, init) => {
      const reply = await byFetch.fetch(url, init);
      if (String(url).endsWith(endpointId)) ids.push(reply.headers.get('x-fal-request-id'));
      return reply;
    },
  });
  const { data, requestId } = await fal.run(endpointId, { input: { ...smallClip, audio_url: soundBlob } });
  expect(ids).toEqual([requestId]);
  expect(requestId).toMatch(/^[0-9a-f-]{36}$/);
  await expectPlayable(data as Output);
});

test('JS cancel: a running clip ends early, and its result says so', async () => {
  const fal = createFalClient(byProxy);
  const audioUrl = await fal.storage.upload(soundBlob);
  const { request_id: requestId } = await fal.queue.submit(endpointId, { input: { ...longClip, audio_url: audioUrl } });
  await untilStatus(async () => (await fal.queue.status(endpointId, { requestId })).status, 'IN_PROGRESS');
  await expect(fal.queue.result(endpointId, { requestId })).rejects.toMatchObject({
    status: 400,
    body: { detail: 'Request is still in progress' },
  });
  await fal.queue.cancel(endpointId, { requestId });
  await untilStatus(async () => (await fal.queue.status(endpointId, { requestId })).status, 'COMPLETED');
  const failure = await fal.queue.result(endpointId, { requestId }).catch((error: unknown) => error);
  expect(failure).toBeInstanceOf(ApiError);
  expect(failure).toMatchObject({ status: 499, requestId, body: { error_type: 'client_cancelled' } });
  await expect(fal.queue.cancel(endpointId, { requestId })).rejects.toMatchObject({ status: 400 });
});

test('JS streamStatus: every change once, the last one COMPLETED', async () => {
  const fal = createFalClient(byProxy);
  const { request_id: requestId } = await fal.queue.submit(endpointId, {
    input: { ...smallClip, audio_url: soundBlob },
  });
  const stream = await fal.queue.streamStatus(endpointId, { requestId, logs: true });
  const events: QueueStatus[] = [];
  for await (const event of stream) events.push(event);
  expect(events.at(-1)?.status).toBe('COMPLETED');
  expect((await stream.done()).status).toBe('COMPLETED');
  const logs = events.flatMap((event) => ('logs' in event ? event.logs : []));
  expect(logs.length).toBeGreaterThan(3);
  expect(new Set(logs.map((log) => JSON.stringify(log))).size).toBe(logs.length);
  await expectPlayable((await fal.queue.result(endpointId, { requestId })).data as Output);
});

test("JS subscribe with mode 'streaming': logs accumulate without repetition", async () => {
  const fal = createFalClient(byFetch);
  let logs: readonly string[] = [];
  const { data } = await fal.subscribe(endpointId, {
    input: { ...smallClip, audio_url: soundBlob },
    mode: 'streaming',
    logs: true,
    onQueueUpdate: (update) => {
      if ('logs' in update) logs = update.logs.map(({ message, timestamp }) => `${timestamp} ${message}`);
    },
  });
  expect(logs.length).toBeGreaterThan(3);
  expect(new Set(logs).size).toBe(logs.length);
  await expectPlayable(data as Output);
});

test('163, 164 JS stream: progress, then the output', async () => {
  const fal = createFalClient(byFetch);
  const stream = await fal.stream(endpointId, { input: { ...smallClip, audio_url: soundBlob } });
  const events: unknown[] = [];
  for await (const event of stream) events.push(event);
  expect(events.length).toBeGreaterThan(1);
  const output = await stream.done();
  expect(output).toEqual(events.at(-1));
  await expectPlayable(output as Output);
});

test.for([1, 600])('100 JS subscribe with a timeout of %i ms: one cancel', async (timeout) => {
  await using front = await startFaultFront(server.url, () => undefined);
  const fal = createFalClient({ credentials, fetch: fetchFrom(front.url) });
  const audioUrl = await fal.storage.upload(soundBlob);
  let requestId = '';
  const subscribed = fal.subscribe(endpointId, {
    input: { ...longClip, audio_url: audioUrl },
    timeout,
    pollInterval: 50,
    onEnqueue: (id) => {
      requestId = id;
    },
  });
  await expect(subscribed).rejects.toThrow('timed out');
  await untilStatus(async () => (await fal.queue.status(endpointId, { requestId })).status, 'COMPLETED');
  expect(front.calls.filter((call) => call.startsWith('PUT') && call.endsWith('/cancel'))).toHaveLength(1);
});

test('JS errors: ValidationError with its fields, by run and by subscribe', async () => {
  const fal = createFalClient(byProxy);
  const input = { ...smallClip, audio_url: soundBlob, num_frames: 8, loras: [{ path: 'x', scale: 4.5 }] };
  const calls = [() => fal.run(endpointId, { input }), () => fal.subscribe(endpointId, { input, pollInterval: 50 })];
  for (const call of calls) {
    const failure = await call().catch((error: unknown) => error);
    if (!(failure instanceof ValidationError)) throw failure;
    expect(failure.status).toBe(422);
    expect(failure.requestId).toMatch(/^[0-9a-f-]{36}$/);
    expect(failure.fieldErrors.map(({ loc, type }) => [loc.join('.'), type]).sort()).toEqual([
      ['body.loras.0.scale', 'less_than_equal'],
      ['body.num_frames', 'greater_than_equal'],
    ]);
  }
  await expect(fal.run('fal-ai/nope', { input })).rejects.toMatchObject({ status: 404 });
});

test('JS upload above 90 MiB goes in parts and arrives whole', async () => {
  const fal = createFalClient(byProxy);
  const bytes = Buffer.alloc(91 * 2 ** 20);
  for (let at = 0; at < bytes.length; at += 2 ** 20) bytes.writeUInt32LE(at, at);
  const url = await fal.storage.upload(new File([bytes], 'large.bin', { type: 'application/octet-stream' }));
  const reply = await fetch(url);
  expect(Number(reply.headers.get('content-length'))).toBe(bytes.length);
  expect(Buffer.from(await reply.arrayBuffer()).equals(bytes)).toBe(true);
});

/** The whole client goes through `fetch`; what it addresses to the platform goes to `base`. */
function fetchFrom(base: string): typeof fetch {
  return (url, init) => fetch(rewriteHost(String(url), base), init);
}

async function untilStatus(read: () => Promise<string>, wanted: string): Promise<void> {
  await expect.poll(read, { timeout: 30_000, interval: 50 }).toBe(wanted);
}
