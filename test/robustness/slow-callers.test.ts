import { once } from 'node:events';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { TestClipMaker } from '../../src/jobs/jobs.test-support.ts';
import { startTestServer } from '../support/server.ts';
import { endpointId, input } from './support/endpoint.ts';
import { eventually } from './support/eventually.ts';
import { openSocket } from './support/raw-http.ts';

const callerCount = 200;

test('hundreds of callers who never come to the point hold up nobody, and are gone soon', async () => {
  const timeouts = { headers: 1000, idle: 1000, request: 3000 };
  await using server = await startTestServer({ maker: new TestClipMaker(), timeouts });
  const beginnings = [
    '',
    'POST',
    `POST /queue/${endpointId} HTTP/1.1\r\nHost: localhost\r\nX-A: `,
    `POST /queue/${endpointId} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n\r\n{`,
    `POST /run/${endpointId} HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nff\r\n`,
    'POST /cdn/files/upload HTTP/1.1\r\nHost: localhost\r\nContent-Type: audio/wav\r\nContent-Length: 100000\r\n\r\nRIFF',
    'POST /cdn/files/upload HTTP/1.1\r\nHost: localhost\r\nContent-Type: audio/wav\r\nTransfer-Encoding: chunked\r\n\r\nff\r\n',
  ];
  const sockets = Array.from({ length: callerCount }, (_, index) => {
    const socket = openSocket(server.url).resume();
    socket.write(beginnings[index % beginnings.length] ?? '');
    return socket;
  });
  const gone = Promise.all(sockets.map((socket) => once(socket, 'close')));
  // Half of them fall silent, the others send a byte now and then.
  const drops = setInterval(() => {
    for (const [index, socket] of sockets.entries()) if (index % 2 === 0 && socket.writable) socket.write('x');
  }, 200);
  for (let number = 0; number < 20; number++) {
    const began = performance.now();
    const reply = await fetch(`${server.url}/run/${endpointId}`, { method: 'POST', body: JSON.stringify(input) });
    expect(reply.status).toBe(200);
    expect(performance.now() - began).toBeLessThan(5000);
    await wait(50);
  }
  const began = performance.now();
  await gone;
  clearInterval(drops);
  expect(performance.now() - began).toBeLessThan(20_000);

  const files = server.database.kysely.selectFrom('files').select('state').where('request_id', 'is', null);
  const unfinished = async (): Promise<readonly unknown[]> => await files.execute();
  await eventually(10_000, async () => (await unfinished()).length === 0, unfinished);
  expect(await readdir(join(server.dataFolder, 'files', 'spool')).catch(() => [])).toEqual([]);
  expect(server.logged.filter(({ level }) => level === 'error')).toEqual([]);
});
