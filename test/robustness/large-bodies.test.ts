import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { putEmptyDatabase } from '../support/databases/databases.ts';
import { Spawned } from '../support/programs/spawned.ts';
import { endpointId, input } from './support/endpoint.ts';
import { openSocket } from './support/raw-http.ts';

const megabyte = 1_000_000;
/** Several times what the texts of so many bodies take, and what a busy process has not given back yet. */
const growth = 600 * megabyte;
const spaces = Buffer.alloc(megabyte, 32);

let dataFolder: string;
let server: Spawned;
let url: string;
beforeAll(async () => {
  dataFolder = await mkdtemp(join(tmpdir(), 'soundstage-large-'));
  await putEmptyDatabase(dataFolder, '128MB');
  server = new Spawned({ program: 'server', environment: { SOUNDSTAGE_DATA: dataFolder, SOUNDSTAGE_PORT: '0' } });
  url = await server.ready();
  await submit();
});
afterAll(async () => {
  expect((await submit()).status).toBe(200);
  expect(server.errors).toBe('');
  await server[Symbol.asyncDispose]();
  await rm(dataFolder, { recursive: true, force: true });
});

function submit(): Promise<Response> {
  return fetch(`${url}/queue/${endpointId}`, { method: 'POST', body: JSON.stringify(input) });
}

/** Writes a body of spaces for as long as the server takes it; what it answered. */
async function pour(headers: string, megabytes: number, framed: (piece: Buffer) => Buffer): Promise<string> {
  const socket = openSocket(url);
  let reply = '';
  socket.setEncoding('latin1').on('data', (text) => {
    reply += text;
  });
  const closed = new Promise((resolve) => socket.once('close', resolve));
  socket.write(`POST /queue/${endpointId} HTTP/1.1\r\nHost: localhost\r\n${headers}\r\n`);
  for (let sent = 0; sent < megabytes && !socket.destroyed && reply === ''; sent++) {
    if (!socket.write(framed(spaces))) await Promise.race([once(socket, 'drain').catch(() => {}), closed, wait(1000)]);
  }
  await closed;
  return reply;
}

test.each([
  ['100 megabyte that are announced', 'Content-Length: 100000000\r\n', (piece: Buffer) => piece],
  [
    '100 megabyte in chunks',
    'Transfer-Encoding: chunked\r\n',
    (piece: Buffer) => Buffer.concat([Buffer.from(`${piece.length.toString(16)}\r\n`), piece, Buffer.from('\r\n')]),
  ],
])(
  '%s are refused, twenty times at once',
  async (_name, headers, framed) => {
    const before = await server.watchMemory();
    const replies = await Promise.all(Array.from({ length: 20 }, () => pour(headers, 100, framed)));
    for (const reply of replies) {
      expect(reply).toMatch(/^HTTP\/1\.1 (?:413|429) [\s\S]*content-type: application\/json[\s\S]*\{"detail":"/i);
    }
    expect(replies.some((reply) => reply.startsWith('HTTP/1.1 413'))).toBe(true);
    const most = await server.peakMemory();
    process.stdout.write(
      `${_name}: from ${(before / megabyte).toFixed(0)} to at most ${(most / megabyte).toFixed(0)} megabyte\n`,
    );
    expect(most - before).toBeLessThan(growth);
  },
  120_000,
);

test('compressed to a thousandth, twenty times at once', async () => {
  const before = await server.watchMemory();
  const body = gzipSync(Buffer.alloc(500 * megabyte, 32));
  const headers = { 'content-encoding': 'gzip' };
  const replies = await Promise.all(
    Array.from({ length: 20 }, () => fetch(`${url}/queue/${endpointId}`, { method: 'POST', headers, body })),
  );
  // There may not be room for all of them at a time.
  for (const { status } of replies) expect([413, 429]).toContain(status);
  expect(replies.some(({ status }) => status === 413)).toBe(true);
  const most = await server.peakMemory();
  process.stdout.write(
    `compressed: from ${(before / megabyte).toFixed(0)} to at most ${(most / megabyte).toFixed(0)} megabyte\n`,
  );
  expect(most - before).toBeLessThan(growth);
}, 120_000);

test('what is slow to arrive takes no more memory than there is, and nothing from small requests', async () => {
  const before = await server.watchMemory();
  const half = Buffer.concat(Array.from({ length: 30 }, () => spaces));
  const sockets = Array.from({ length: 20 }, () => {
    const socket = openSocket(url).resume();
    socket.write(`POST /queue/${endpointId} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 60000000\r\n\r\n`);
    socket.write(half);
    return socket;
  });
  await wait(3000);
  expect((await submit()).status).toBe(200);
  const most = await server.peakMemory();
  process.stdout.write(
    `slow: from ${(before / megabyte).toFixed(0)} to at most ${(most / megabyte).toFixed(0)} megabyte\n`,
  );
  expect(most - before).toBeLessThan(growth);
  for (const socket of sockets) socket.destroy();
}, 120_000);
