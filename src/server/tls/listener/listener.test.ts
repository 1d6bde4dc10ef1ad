import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { connect as connectTls } from 'node:tls';
import { promisify } from 'node:util';
import { Agent, fetch, ProxyAgent } from 'undici';
import { expect, test } from 'vitest';
import { isInstalled } from '../../../../test/support/programs/installed.ts';
import { exchangeBytes, openSocket, startTestListener } from './listener.test-support.ts';

const run = promisify(execFile);
const bigBody = 'x'.repeat(3_000_000);

test('one port speaks http and https', async () => {
  await using listener = await startTestListener();
  const ca = await readFile(listener.authorityPath, 'utf8');
  await using dispatcher = disposable(new Agent({ connect: { ca } }));
  for (const base of [`http://127.0.0.1:${listener.port}`, `https://localhost:${listener.port}`]) {
    const reply = await fetch(`${base}/a?b=c`, { method: 'POST', body: bigBody, dispatcher: dispatcher.value });
    expect(await reply.json()).toEqual({ method: 'POST', url: `${base}/a?b=c`, body: bigBody.length });
  }
});

test('a tunnel ends here: its host decides, and the connection is marked', async () => {
  await using listener = await startTestListener();
  const ca = await readFile(listener.authorityPath, 'utf8');
  await using proxy = disposable(
    new ProxyAgent({ uri: `http://127.0.0.1:${listener.port}`, requestTls: { ca }, proxyTunnel: true }),
  );
  const dispatcher = proxy.value;
  const secure = await fetch('https://queue.fal.run/x', { method: 'POST', body: bigBody, dispatcher });
  expect(await secure.json()).toEqual({
    method: 'POST',
    url: 'https://queue.fal.run/x',
    body: bigBody.length,
    tunnel: { host: 'queue.fal.run', port: 443 },
  });
  const plain = await fetch('http://fal.run/y', { dispatcher });
  expect(await plain.json()).toMatchObject({ url: 'http://fal.run/y', tunnel: { host: 'fal.run', port: 80 } });
  const replies = Array.from({ length: 50 }, (_, index) => fetch(`https://rest.fal.ai/${index}`, { dispatcher }));
  for (const reply of await Promise.all(replies)) expect(reply.status).toBe(200);
});

test('no tunnel leads anywhere else', async () => {
  const visits: string[] = [];
  await using elsewhere = await startPlainServer((url) => visits.push(url));
  await using listener = await startTestListener();
  const targets = [
    'example.com:443',
    'fal.run.example.com:443',
    'fal.run:22',
    'user@fal.run:443',
    'fal.run',
    `127.0.0.1:${elsewhere.port}`,
    `localhost:${elsewhere.port}`,
  ];
  for (const target of targets) {
    const reply = await exchangeBytes(listener.port, `CONNECT ${target} HTTP/1.1\r\nHost: ${target}\r\n\r\n`);
    expect(reply, target).toMatch(/^HTTP\/1\.1 (403|400) [\s\S]*x-fal-request-id[\s\S]*"detail"/i);
  }
  const line = `GET http://127.0.0.1:${elsewhere.port}/secret HTTP/1.1\r\nHost: fal.run\r\n\r\n`;
  expect(await exchangeBytes(listener.port, line)).toMatch(/^HTTP\/1\.1 403 /);
  expect(visits).toEqual([]);
});

test('no tunnel within a tunnel', async () => {
  await using listener = await startTestListener();
  const socket = await openSocket(listener.port);
  socket.write('CONNECT fal.run:80 HTTP/1.1\r\nHost: fal.run:80\r\n\r\n');
  expect(String((await once(socket, 'data'))[0])).toMatch(/^HTTP\/1\.1 200 Connection Established\r\n\r\n$/);
  socket.write('CONNECT fal.run:80 HTTP/1.1\r\nHost: fal.run:80\r\n\r\n');
  expect(String((await once(socket, 'data'))[0])).toMatch(/^HTTP\/1\.1 403 /);
  socket.destroy();
});

test('what follows a CONNECT at once is not lost', async () => {
  await using listener = await startTestListener();
  const reply = await exchangeBytes(
    listener.port,
    'CONNECT fal.run:80 HTTP/1.1\r\nHost: fal.run:80\r\n\r\nGET /z HTTP/1.1\r\nHost: fal.run\r\nConnection: close\r\n\r\n',
  );
  expect(reply).toContain('"url":"http://fal.run/z"');
});

test('the whole URL in the first line beats the Host header', async () => {
  await using listener = await startTestListener();
  const ask = (target: string): Promise<string> =>
    exchangeBytes(listener.port, `GET ${target} HTTP/1.1\r\nHost: other.test\r\nConnection: close\r\n\r\n`);
  expect(await ask('http://queue.fal.run/a/b?c=d')).toContain('"url":"http://queue.fal.run/a/b?c=d"');
  expect(await ask('http://queue.fal.run?c')).toContain('"url":"http://queue.fal.run/?c"');
  expect(await ask(`http://localhost:${listener.port}/e`)).toContain(`"url":"http://localhost:${listener.port}/e"`);
});

test.skipIf(!isInstalled('curl'))('curl: https, as a proxy, as a proxy over TLS', async () => {
  await using listener = await startTestListener();
  const curl = async (...args: readonly string[]): Promise<unknown> =>
    JSON.parse((await run('curl', ['-sS', '--cacert', listener.authorityPath, ...args])).stdout);
  expect(await curl(`https://localhost:${listener.port}/a`)).toMatchObject({ method: 'GET' });
  const proxy = `http://localhost:${listener.port}`;
  expect(await curl('-x', proxy, 'https://rest.fal.ai/b')).toMatchObject({ url: 'https://rest.fal.ai/b' });
  expect(await curl('-x', proxy, 'http://fal.run/c')).toMatchObject({ url: 'http://fal.run/c' });
  const secureProxy = ['--proxy-cacert', listener.authorityPath, '-x', `https://localhost:${listener.port}`];
  expect(await curl(...secureProxy, 'https://fal.run/d')).toMatchObject({ tunnel: { host: 'fal.run' } });
  expect(await curl('-0', `http://localhost:${listener.port}/e`)).toMatchObject({ method: 'GET' });
});

test('what is no request is answered in JSON, and nothing breaks', async () => {
  await using listener = await startTestListener();
  const overlong = `GET / HTTP/1.1\r\nHost: a\r\nX: ${'y'.repeat(200_000)}\r\n\r\n`;
  expect(await exchangeBytes(listener.port, overlong)).toMatch(/^HTTP\/1\.1 431 [\s\S]*"detail"/);
  expect(await exchangeBytes(listener.port, Buffer.alloc(100_000, 0xff))).toMatch(/^HTTP\/1\.1 400 /);
  expect(await exchangeBytes(listener.port, 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')).toMatch(/^HTTP\/1\.1 400 |^$/);
  const brokenHandshakes = [Buffer.from([0x16, 3, 1, 0xff, 0xff]), Buffer.alloc(50_000, 0x16)];
  for (const bytes of brokenHandshakes) {
    const socket = await openSocket(listener.port);
    socket.on('error', () => {}).end(bytes);
    await once(socket.resume(), 'close');
  }
  for (const bytes of ['', 'G', Buffer.from([0x16])]) {
    const socket = await openSocket(listener.port);
    socket.write(bytes);
    await wait(20);
    socket.resetAndDestroy();
  }
  const reply = await fetch(`http://127.0.0.1:${listener.port}/alive`);
  expect(reply.status).toBe(200);
});

test('a client that does not trust the authority harms nobody', async () => {
  await using listener = await startTestListener();
  await expect(fetch(`https://localhost:${listener.port}/`)).rejects.toThrow('fetch failed');
  const old = connectTls({ port: listener.port, host: '127.0.0.1', maxVersion: 'TLSv1.1', minVersion: 'TLSv1.1' });
  await once(old, 'error');
  expect((await fetch(`http://127.0.0.1:${listener.port}/`)).status).toBe(200);
});

test('asking for a WebSocket is an ordinary request', async () => {
  await using listener = await startTestListener();
  const upgrade =
    'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: eA==\r\n';
  const socket = await openSocket(listener.port);
  socket.write(`GET /w HTTP/1.1\r\nHost: a\r\n${upgrade}\r\n`);
  expect(String((await once(socket, 'data'))[0])).toMatch(/^HTTP\/1\.1 200 /);
  socket.destroy();
});

test('those who send nothing, half of it, or do not read are cut off; those who wait are not', async () => {
  const timeouts = { headers: 300, idle: 300, request: 60_000, keepAlive: 300 };
  await using listener = await startTestListener({ timeouts });
  const began = performance.now();
  const tunnel = 'CONNECT fal.run:443 HTTP/1.1\r\nHost: fal.run:443\r\n\r\n';
  const stalled = [
    '',
    'GET / HTTP/1.1\r\nHo',
    'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc',
    'GET / HTTP/1.1\r\nHost: a\r\n\r\n',
    Buffer.from([0x16]),
    tunnel,
    Buffer.concat([Buffer.from(tunnel), Buffer.from([0x16])]),
  ];
  await Promise.all(stalled.map((bytes) => exchangeBytes(listener.port, bytes)));
  const deaf = await openSocket(listener.port);
  deaf.on('error', () => {}).pause();
  deaf.write('GET /endless HTTP/1.1\r\nHost: a\r\n\r\n');
  await wait(1500);
  await once(deaf.resume(), 'close');
  expect(performance.now() - began).toBeLessThan(6000);
  expect(await exchangeBytes(listener.port, 'GET /slow HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n')).toContain(
    '{"slow":true}',
  );
});

test('closing lets running requests finish, and waits for nobody else', async () => {
  await using listener = await startTestListener();
  const idle = await openSocket(listener.port);
  const kept = await openSocket(listener.port);
  kept.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
  await once(kept, 'data');
  const running = fetch(`http://127.0.0.1:${listener.port}/slow`);
  await wait(100);
  const began = performance.now();
  await listener.close(5000);
  expect(performance.now() - began).toBeLessThan(1500);
  expect(await (await running).json()).toEqual({ slow: true });
  await expect(fetch(`http://127.0.0.1:${listener.port}/`)).rejects.toThrow();
  idle.destroy();
  kept.destroy();
});

test('closing ends what does not finish in time', async () => {
  await using listener = await startTestListener();
  const reply = await fetch(`http://127.0.0.1:${listener.port}/endless`);
  const began = performance.now();
  await listener.close(200);
  expect(performance.now() - began).toBeLessThan(1500);
  await expect(reply.arrayBuffer()).rejects.toThrow();
});

test('a port that is taken is said to be', async () => {
  await using listener = await startTestListener();
  await expect(startTestListener({ port: listener.port })).rejects.toThrow(
    `Port ${listener.port} of 127.0.0.1 is taken`,
  );
});

interface Disposable<T> extends AsyncDisposable {
  readonly value: T;
}

function disposable<T extends { destroy(): Promise<void> }>(value: T): Disposable<T> {
  return { value, [Symbol.asyncDispose]: () => value.destroy() };
}

async function startPlainServer(visited: (url: string) => void): Promise<AsyncDisposable & { readonly port: number }> {
  const server: Server = createServer((request, response) => {
    visited(request.url ?? '');
    response.end();
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const address = server.address() as AddressInfo;
  return { port: address.port, [Symbol.asyncDispose]: async () => void (await once(server.close(), 'close')) };
}
