import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readdir } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { sql } from 'kysely';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTestServer, type TestServer } from '../../../test/support/server.ts';
import { TestClipMaker } from '../../jobs/jobs.test-support.ts';
import { app, Calls, id, input } from '../calls.test-support.ts';

const megabyte = 1_000_000;
const bytes = randomBytes(0.9 * megabyte);
const audio = `data:audio/wav;base64,${bytes.toString('base64')}`;
const history = `/v1/models/requests/by-endpoint?endpoint_id=${id}&expand=payloads`;

const maker = new TestClipMaker();
const calls = new Calls(() => server, maker);
let server: TestServer;
beforeAll(async () => {
  server = await startTestServer({ maker, settings: { SOUNDSTAGE_MAX_JSON_BYTES: String(2 * megabyte) } });
});
afterAll(() => server[Symbol.asyncDispose]());

/** What is kept of inputs: rows of files, blobs beside those of clips, what is still arriving. */
async function traces() {
  const { kysely } = server.database;
  const files = await kysely.selectFrom('files').select('id').where('input_of', 'is not', null).execute();
  const clips = await kysely.selectFrom('files').select('id').where('input_of', 'is', null).execute();
  const names = await readdir(server.dataFolder, { recursive: true });
  const blobs = names.filter((name) => /blobs.{4}./.test(name) && !clips.some(({ id: clip }) => name.endsWith(clip)));
  return { files: files.length, blobs: blobs.length, arriving: names.filter((name) => /body-|spool\/./.test(name)) };
}
const nothing = { files: 0, blobs: 0, arriving: [] };

async function storedBytes(requestId: string): Promise<number> {
  const { rows } = await sql<{ bytes: number }>`
    select octet_length(input::text) as bytes from requests where id = ${requestId}`.execute(server.database.kysely);
  return rows[0]?.bytes ?? 0;
}

test('a data URI is a file beside a small row, is read back by a link, and goes with the payloads', async () => {
  let named = '';
  maker.behavior = async (request) => {
    named = request.input.audio_url;
  };
  const { status, headers } = await calls.post(`/run/${id}`, { ...input, audio_url: `\n ${audio}\n` });
  expect(status).toBe(200);
  const requestId = headers.get('x-fal-request-id') ?? '';
  expect(named).toMatch(/^http:.*\/files\/b\/.*_audio_url$/);
  expect(await storedBytes(requestId)).toBeLessThan(1000);
  expect(await traces()).toEqual({ files: 1, blobs: 1, arriving: [] });
  const { body } = await calls.call(`${history}&request_id=${requestId}`);
  const [{ json_input: shown }] = body.items;
  expect(shown).toEqual({ ...input, audio_url: expect.stringContaining('?identity=') });
  const read = await fetch(shown.audio_url);
  expect(read.headers.get('content-type')).toBe('audio/wav');
  expect(Buffer.from(await read.arrayBuffer()).equals(bytes)).toBe(true);
  // Without the link, it is its owner's alone.
  expect((await fetch(named)).status).toBe(404);
  await calls.call(`/v1/models/requests/${requestId}/payloads`, { method: 'DELETE' });
  expect(await traces()).toEqual(nothing);
});

test('a private request keeps no data URI', async () => {
  const headers = { 'x-fal-store-io': '0' };
  expect((await calls.post(`/run/${id}`, { ...input, audio_url: audio }, headers)).status).toBe(200);
  expect(await traces()).toEqual(nothing);
});

test.each([
  ['an invalid input', { num_frames: 1, audio_url: audio }, { loc: ['body', 'num_frames'] }],
  ['a data URI for a prompt', { prompt: audio }, { loc: ['body', 'prompt'], type: 'sequence_too_long' }],
  ['a data URI that is cut off', { audio_url: audio.slice(0, -3) }, { type: 'file_download_error' }],
  ['a data URI with garbage at its end', { loras: [{ path: `${audio}*` }] }, { loc: ['body', 'loras', 0, 'path'] }],
])('nothing but the beginning is kept of %s', async (_, changes, problem) => {
  const { status, headers, body } = await calls.post(`/run/${id}`, { ...input, ...changes });
  expect(status).toBe(422);
  expect(body).toMatchObject({ detail: [problem] });
  expect(JSON.stringify(body).length).toBeLessThan(3000);
  expect(await storedBytes(headers.get('x-fal-request-id') ?? '')).toBeLessThan(20_000);
  expect(await traces()).toEqual(nothing);
});

test('a submission that the queue has no room for leaves nothing', async () => {
  const running = await calls.running();
  await calls.post(`/queue/${id}`);
  const refused = await calls.post(`/queue/${id}?fal_max_queue_length=0`, { ...input, audio_url: audio });
  expect(refused.status).toBe(429);
  expect(await traces()).toEqual(nothing);
  maker.behavior = async () => {};
  await calls.call(`/queue/${app}/requests/${running}/cancel`, { method: 'PUT' });
});

test('text that is not in data URIs is limited', async () => {
  const { status, body } = await calls.post(`/queue/${id}`, { ...input, audio_url: 'A'.repeat(1.2 * megabyte) });
  expect([status, body.detail]).toEqual([413, expect.stringContaining('data:TYPE;base64,')]);
});

test('pages of the history are as long as their payloads allow', async () => {
  const note = 'x'.repeat(0.6 * megabyte);
  const ids: string[] = [];
  for (let number = 0; number < 3; number++) {
    const { headers } = await calls.post(`/run/${id}`, { ...input, note });
    ids.unshift(headers.get('x-fal-request-id') ?? '');
  }
  let cursor = '';
  for (const expected of ids) {
    const { body } = await calls.call(`${history}&limit=100${cursor}`);
    expect(body.items[0]).toMatchObject({ request_id: expected, json_input: { note } });
    expect(JSON.stringify(body).length).toBeLessThan(1.1 * megabyte);
    cursor = `&cursor=${body.next_cursor}`;
  }
  const without = await calls.call(history.replace('&expand=payloads', '&limit=3'));
  expect(without.body.items.map((item: { request_id: string }) => item.request_id)).toEqual(ids);
});

test('data URIs in the rows of an earlier version do not reach the history, nor the memory of the server', async () => {
  const rows = [
    sql`select string_agg(md5(number::text), '') from generate_series(1, 100000) as number`,
    sql`select repeat('A', 5000000)`,
  ];
  for (const content of rows) {
    const { headers } = await calls.post(`/run/${id}`);
    await sql`update requests set input = json_build_object('audio_url', (${content})) where id = ${headers.get(
      'x-fal-request-id',
    )}`.execute(server.database.kysely);
  }
  const { body } = await calls.call(`${history}&limit=2`);
  expect(body.items).toMatchObject([
    { json_input: null, json_output: { seed: 7 } },
    { json_input: null, json_output: { seed: 7 } },
  ]);
});

test('a logger without end is answered by its end, and usage without end by a refusal', async () => {
  const { headers } = await calls.post(`/run/${id}`);
  const requestId = headers.get('x-fal-request-id');
  const { kysely } = server.database;
  await sql`insert into request_logs (request_id, level, message)
    select ${requestId}::uuid, 'INFO', 'line ' || n from generate_series(1, 1500) n`.execute(kysely);
  const { body } = await calls.call(`/queue/${app}/requests/${requestId}/status?logs=1`);
  expect([body.logs.length, body.logs.at(-1).message]).toEqual([1000, 'line 1500']);
  await sql`insert into usage (request_id, owner, endpoint, units, cost, at, tags)
    select gen_random_uuid(), 'local', ${id}, 1, 1, now() - n * interval '1 minute', '{}'
    from generate_series(1, 10001) n`.execute(kysely);
  const usage = await calls.call('/v1/models/usage?timeframe=minute');
  expect([usage.status, usage.body.error.message]).toEqual([400, expect.stringContaining('a longer timeframe')]);
  expect((await calls.call('/v1/models/usage?timeframe=day')).status).toBe(200);
});

test('dripping bodies of one key leave room for large ones of another', async () => {
  const [greedy, modest] = [await newKey(), await newKey()];
  const body = JSON.stringify({ ...input, audio_url: audio });
  const sockets = await Promise.all(Array.from({ length: 60 }, () => drip(greedy, body.slice(0, -100), body.length)));
  // Of the last of them, some are refused: there is no more room for this key.
  const refused = await Promise.race(sockets.map(async (socket) => String((await once(socket, 'data'))[0])));
  expect(refused).toContain(' 429 ');
  const headers = { authorization: modest };
  expect((await fetch(`${server.url}/queue/${id}`, { method: 'POST', body, headers })).status).toBe(200);
  for (const socket of sockets) socket.destroy();
  expect(server.logged.filter(({ level }) => level === 'error')).toEqual([]);
});

async function newKey(): Promise<string> {
  const { id: keyId, secret } = await server.keys.create({ name: 'test', scope: 'API' });
  return `Key ${keyId}:${secret}`;
}

/** Sends the beginning of a body, and leaves it at that. */
async function drip(authorization: string, beginning: string, length: number): Promise<Socket> {
  const { port, hostname } = new URL(server.url);
  const socket = connect({ port: Number(port), host: hostname });
  socket.on('error', () => {});
  socket.write(`POST /queue/${id} HTTP/1.1\r\nHost: a\r\nAuthorization: ${authorization}\r\n`);
  socket.write(`Content-Length: ${length}\r\n\r\n`);
  await new Promise((resolve) => socket.write(beginning, resolve));
  return socket;
}
