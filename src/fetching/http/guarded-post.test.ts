import type { IncomingMessage } from 'node:http';
import { afterAll, expect, test } from 'vitest';
import { serveHttp } from './file-server.test-support.ts';
import { openGuardedClient } from './guarded-client.ts';
import { type PostOptions, postGuarded } from './guarded-post.ts';

const client = openGuardedClient({ allowPrivateHosts: ['127.0.0.1'] });
afterAll(() => client[Symbol.asyncDispose]());
const post = (url: string, options: Partial<PostOptions> = {}): Promise<{ readonly status: number }> =>
  postGuarded(client, url, {
    body: '{"a":1}',
    headers: { 'content-type': 'application/json' },
    timeout: 2000,
    ...options,
  });

test('posts the body with its headers and gives the status', async () => {
  let seen: Pick<IncomingMessage, 'method' | 'headers'> & { body: string } = { headers: {}, body: '' };
  await using server = await serveHttp(async (request, response) => {
    const { method, headers } = request;
    seen = { method, headers, body: Buffer.concat(await Array.fromAsync(request)).toString() };
    response.writeHead(201).end('ignored');
  });
  expect(await post(server.url)).toEqual({ status: 201 });
  expect(seen).toMatchObject({ method: 'POST', body: '{"a":1}' });
  expect(seen.headers).toMatchObject({ 'content-type': 'application/json', 'content-length': '7' });
});

test('redirects and failures are a status, not followed', async () => {
  let followed = 0;
  await using server = await serveHttp(({ url }, response) => {
    if (url === '/target') followed++;
    response.writeHead(Number(url?.slice(1)), { location: '/target' }).end();
  });
  for (const status of [301, 307, 404, 500]) expect(await post(`${server.url}/${status}`)).toEqual({ status });
  expect(followed).toBe(0);
});

test('what cannot succeed is told from what may', async () => {
  await expect(post('http://10.0.0.1/hook')).rejects.toMatchObject({ kind: 'input', type: 'address_refused' });
  await expect(post('http://localhost:1/hook', {})).rejects.toMatchObject({ kind: 'network' });
  for (const url of ['ftp://host/', 'nonsense', '']) await expect(post(url)).rejects.toMatchObject({ kind: 'input' });
  await using silent = await serveHttp(() => {});
  await expect(post(silent.url, { timeout: 300 })).rejects.toThrow(/did not answer within 0.3 s/);
  await expect(post(silent.url, { signal: AbortSignal.timeout(100) })).rejects.toMatchObject({ kind: 'cancelled' });
});

test('an endless answer does not hold the delivery up', async () => {
  let closed = false;
  await using server = await serveHttp((_request, response) => {
    response.on('close', () => {
      closed = true;
    });
    response.writeHead(200).write('x');
  });
  expect(await post(server.url)).toEqual({ status: 200 });
  await expect.poll(() => closed).toBe(true);
});
