import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTestServer, type TestServer } from '../../../test/support/server.ts';
import { TestClipMaker, untilAborted } from '../../jobs/jobs.test-support.ts';
import { app, id, input } from '../calls.test-support.ts';

/** Milliseconds after which no process takes a revoked key any more. */
const freshness = 600;

const maker = new TestClipMaker();
let server: TestServer;
beforeAll(async () => {
  maker.behavior = untilAborted;
  server = await startTestServer({ maker, settings: { SOUNDSTAGE_AUTH: 'keys' } });
});
afterAll(() => server[Symbol.asyncDispose]());

interface Holder {
  readonly call: (method: string, path: string, body?: string, headers?: Record<string, string>) => Promise<Response>;
  /** Returns once nobody takes the key any more. */
  readonly revoke: () => Promise<void>;
}

async function newHolder(): Promise<Holder> {
  const { id: key, secret } = await server.keys.create({ name: 'test', scope: 'API' });
  return {
    call: (method, path, body, headers = {}) =>
      fetch(new URL(path, server.url), {
        method,
        headers: { authorization: `Key ${key}:${secret}`, ...headers },
        ...(body !== undefined && { body }),
      }),
    revoke: async () => {
      await server.keys.revoke(key);
      await sleep(freshness);
    },
  };
}

async function initiated({ call }: Holder, kind: string): Promise<string> {
  const reply = await call('POST', `/storage/upload/${kind}`, '{"content_type":"audio/wav","file_name":"a.wav"}');
  return ((await reply.json()) as { upload_url: string }).upload_url;
}

function anybody(method: string, url: string, body?: string): Promise<Response> {
  return fetch(url, { method, ...(body !== undefined && { body }) });
}

test('with a revoked key go the upload addresses, signed links and tokens that it was used for', async () => {
  const holder = await newHolder();
  const [whole, parts] = [await initiated(holder, 'initiate'), await initiated(holder, 'initiate-multipart')];
  const part = parts.replace('?', '/1?');
  expect((await anybody('PUT', part, 'RIFF')).status).toBe(200);
  const stored = await holder.call('POST', '/cdn/files/upload', 'RIFF', {
    'content-type': 'audio/wav',
    'x-fal-object-lifecycle': '{"initial_acl":{"default":"forbid"}}',
  });
  const { access_url: file } = (await stored.json()) as { access_url: string };
  const signed = await holder.call('POST', `${new URL(file).pathname}/sign`, '{}');
  const { signed_url: link } = (await signed.json()) as { signed_url: string };
  expect((await anybody('GET', link)).status).toBe(200);
  const issued = await holder.call('POST', '/storage/auth/token');
  const { token } = (await issued.json()) as { token: string };
  const upload = (): Promise<Response> =>
    fetch(`${server.url}/cdn/files/upload`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}` },
      body: 'x',
    });
  expect((await upload()).status).toBe(200);

  await holder.revoke();
  expect((await anybody('PUT', whole, 'RIFF')).status).toBe(403);
  expect((await anybody('PUT', part, 'RIFF')).status).toBe(403);
  const list = '{"parts":[{"partNumber":1,"etag":"x"}]}';
  expect((await anybody('POST', parts.replace('?', '/complete?'), list)).status).toBe(403);
  expect((await anybody('GET', link)).status).toBe(403);
  expect((await upload()).status).toBe(401);
});

test('streams of a revoked key end, and tell nothing more', async () => {
  const holder = await newHolder();
  const submitted = await holder.call('POST', `/queue/${id}`, JSON.stringify(input));
  const { request_id } = (await submitted.json()) as { request_id: string };
  const at = `/queue/${app}/requests/${request_id}`;
  const streams = await Promise.all([
    holder.call('GET', `${at}/status/stream?logs=1`),
    holder.call('GET', `${at}/progress/stream`),
    holder.call('POST', `/run/${id}/stream`, JSON.stringify(input)),
  ]);
  const told = streams.map(async (stream) => {
    let text = '';
    const decoder = new TextDecoder();
    try {
      for await (const chunk of stream.body ?? []) text += decoder.decode(chunk);
      return { text, isWhole: true };
    } catch {
      return { text, isWhole: false };
    }
  });
  await holder.revoke();
  await server.requests.cancel(request_id, 'client_cancelled');
  for (const { text, isWhole } of await Promise.all(told)) {
    expect(text).not.toContain('COMPLETED');
    expect(isWhole).toBe(false);
  }
  expect(server.logged.filter(({ level }) => level === 'error')).toEqual([]);
});

test('a direct run whose key was revoked meanwhile is not told its output', async () => {
  const holder = await newHolder();
  const [started, finish] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  maker.behavior = async ({ input: { prompt } }) => {
    if (prompt !== 'direct') return;
    started.resolve();
    await finish.promise;
  };
  const reply = holder.call('POST', `/run/${id}`, JSON.stringify({ ...input, prompt: 'direct' }));
  await started.promise;
  await holder.revoke();
  finish.resolve();
  expect((await reply).status).toBe(401);
});
