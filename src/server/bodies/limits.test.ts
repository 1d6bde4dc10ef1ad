import { once } from 'node:events';
import { get, type IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { startTestServer } from '../../../test/support/server.ts';
import { TestClipMaker, untilAborted } from '../../jobs/jobs.test-support.ts';

const id = 'fal-ai/ltx-2-19b/distilled/audio-to-video/lora';
const app = 'fal-ai/ltx-2-19b';
const input = { prompt: 'A woman speaks', audio_url: 'https://example.com/a.wav', loras: [] };

function submit(url: string, surface: 'run' | 'queue' = 'queue', init: RequestInit = {}): Promise<Response> {
  return fetch(`${url}/${surface}/${id}`, { method: 'POST', body: JSON.stringify(input), ...init });
}

test('a burst of submissions, hundreds of open streams, and a graceful end', async () => {
  const maker = new TestClipMaker();
  maker.behavior = untilAborted;
  await using server = await startTestServer({ maker });
  const accepted = await Promise.all(Array.from({ length: 300 }, async () => (await submit(server.url)).json()));
  const ids = new Set(accepted.map((body) => (body as { request_id: string }).request_id));
  expect(ids.size).toBe(300);
  const streams = await Promise.all(
    [...ids].map((requestId) => openStream(`${server.url}/queue/${app}/requests/${requestId}/status/stream`)),
  );
  expect(await metric(server.url, 'soundstage_open_replies')).toBe(300);
  const direct = submit(server.url, 'run');
  while ((await metric(server.url, 'soundstage_open_replies')) < 301)
    await new Promise((resolve) => setTimeout(resolve, 20));
  const [cancelled = ''] = ids;
  await server.requests.cancel(cancelled, 'client_cancelled');
  expect(await streams[0]?.rest).toContain('"COMPLETED"');
  const started = performance.now();
  await server[Symbol.asyncDispose]();
  expect(performance.now() - started).toBeLessThan(8000);
  expect([(await direct).status, (await direct).headers.get('x-fal-needs-retry')]).toEqual([503, '1']);
  for (const { rest } of streams.slice(1)) expect(await rest).not.toContain('"COMPLETED"');
});

async function openStream(url: string): Promise<{ readonly rest: Promise<string> }> {
  const [response] = (await once(get(url), 'response')) as [IncomingMessage];
  return { rest: text(response) };
}

async function metric(url: string, name: string): Promise<number> {
  const lines = (await (await fetch(`${url}/metrics`)).text()).split('\n');
  return Number(lines.find((line) => line.startsWith(`${name} `))?.split(' ')[1]);
}

test('more direct runs than allowed, per caller', async () => {
  const maker = new TestClipMaker();
  maker.behavior = untilAborted;
  await using server = await startTestServer({ maker, settings: { SOUNDSTAGE_MAX_CONCURRENT_RUNS: '2' } });
  const controller = new AbortController();
  const open = [1, 2].map(() => submit(server.url, 'run', { signal: controller.signal }).catch(() => 'gone'));
  while ((await metric(server.url, 'soundstage_open_replies')) < 2)
    await new Promise((resolve) => setTimeout(resolve, 20));
  const refused = await submit(server.url, 'run');
  expect([refused.status, refused.headers.get('x-fal-needs-retry')]).toEqual([429, '1']);
  expect(await refused.json()).toMatchObject({ error_type: 'concurrent_requests_limit' });
  const queued = await submit(server.url);
  expect(queued.status).toBe(200);
  await server.requests.cancel(((await queued.json()) as { request_id: string }).request_id, 'client_cancelled');
  controller.abort();
  expect(await Promise.all(open)).toEqual(['gone', 'gone']);
  while ((await metric(server.url, 'soundstage_open_replies')) > 0)
    await new Promise((resolve) => setTimeout(resolve, 20));
  maker.behavior = async () => {};
  expect((await submit(server.url, 'run')).status).toBe(200);
});

test('large bodies: the limit is on what is decoded', async () => {
  await using server = await startTestServer({ settings: { SOUNDSTAGE_MAX_JSON_BYTES: '2000000' } });
  const large = JSON.stringify({ ...input, audio_url: `data:audio/wav;base64,${'A'.repeat(1_500_000)}` });
  expect((await submit(server.url, 'queue', { body: large })).status).toBe(200);
  const headers = { 'content-encoding': 'gzip' };
  expect((await submit(server.url, 'queue', { body: gzipSync(large), headers })).status).toBe(200);
  const bomb = gzipSync(Buffer.alloc(100_000_000, 32));
  const refused = await submit(server.url, 'queue', { body: bomb, headers });
  expect([refused.status, refused.headers.get('content-type')]).toEqual([413, 'application/json']);
  const tooLarge = await submit(server.url, 'queue', { body: ' '.repeat(2_000_001) });
  expect(tooLarge.status).toBe(413);
  expect(server.logged.filter(({ level }) => level === 'error')).toEqual([]);
});

test('a caller who sends headers or a body drop by drop is cut off', async () => {
  await using server = await startTestServer({ timeouts: { headers: 500, idle: 500, request: 1500 } });
  const { port, hostname } = new URL(server.url);
  for (const begun of [
    '',
    'POST / HTTP/1.1\r\nHost: localhost\r\n',
    `POST /run/${id} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n{`,
  ]) {
    const socket = connect({ port: Number(port), host: hostname });
    socket.on('error', () => {});
    socket.write(begun);
    const drops = setInterval(() => socket.write(' '), 100);
    const started = performance.now();
    await once(socket.resume(), 'close');
    clearInterval(drops);
    expect(performance.now() - started).toBeLessThan(9000);
  }
});
