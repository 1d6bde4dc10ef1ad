import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { startPostgres } from '../../../test/support/databases/postgres.ts';
import { startTestServer } from '../../../test/support/server.ts';
import { filePath } from '../../files/links/file-url.ts';

const endpoint = 'fal-ai/ltx-2-19b/distilled/audio-to-video/lora';
const app = 'fal-ai/ltx-2-19b';
const input = JSON.stringify({ prompt: 'A woman speaks', audio_url: 'https://example.com/a.wav', loras: [] });

async function submit(url: string): Promise<Response> {
  return await fetch(`${url}/queue/${endpoint}`, { method: 'POST', body: input });
}

test('while PostgreSQL is down every route answers 503 with Retry-After, and everything works once it is back', async (context) => {
  await using postgres = await startPostgres();
  if (postgres === undefined) return context.skip('PostgreSQL is not installed');
  await using server = await startTestServer({ settings: { DATABASE_URL: await postgres.newDatabase() } });
  const { url } = server;
  const { request_id: id } = (await (await submit(url)).json()) as { request_id: string };
  const file = `/cdn${filePath({ id: '0'.repeat(32), name: 'a.wav' })}`;
  const routes: readonly (readonly [method: string, path: string, body?: string])[] = [
    ['POST', `/queue/${endpoint}`, input],
    ['POST', `/run/${endpoint}`, input],
    ['POST', `/run/${endpoint}/stream`, input],
    ['GET', `/queue/${app}/requests/${id}/status`],
    ['GET', `/queue/${app}/requests/${id}/status/stream`],
    ['GET', `/queue/${app}/requests/${id}/progress/stream`],
    ['GET', `/queue/${app}/requests/${id}`],
    ['PUT', `/queue/${app}/requests/${id}/cancel`],
    ['POST', '/rest/tokens/', JSON.stringify({ allowed_apps: ['ltx-2-19b'], token_expiration: 60 })],
    ['POST', '/rest/storage/upload/initiate', JSON.stringify({ file_name: 'a.wav', content_type: 'audio/wav' })],
    ['GET', file],
    ['GET', '/platform/v1/models/usage'],
    ['GET', '/metrics'],
  ];
  const ask = ([method, path, body]: (typeof routes)[number]): Promise<Response> =>
    fetch(`${url}${path}`, { method, ...(body !== undefined && { body }) });
  const stream = await fetch(`${url}/queue/${app}/requests/${id}/status/stream`);
  const events = stream.text();
  await postgres.restart(async () => {
    // For so long the keys last read are good, and some routes need nothing else.
    await sleep(1100);
    const replies = await Promise.all(routes.map(async (route) => [route, await ask(route)] as const));
    for (const [[method, path], reply] of replies) {
      const body = (await reply.json()) as object;
      expect([method, path, reply.status, body]).toEqual([method, path, 503, expect.any(Object)]);
      expect(Number(reply.headers.get('retry-after'))).toBeGreaterThan(0);
      expect(reply.headers.get('x-fal-request-id')).toMatch(/^[0-9a-f-]{36}$/);
      if (!path.startsWith('/platform/')) {
        expect(body).toEqual({ detail: expect.stringMatching(/database/), error_type: 'runner_scheduling_failure' });
        expect(reply.headers.get('x-fal-needs-retry')).toBe('1');
      }
    }
    expect((await fetch(`${url}/health`)).status).toBe(200);
    const ready = await fetch(`${url}/ready`);
    expect([ready.status, await ready.json()]).toMatchObject([503, { checks: { database: 'failed', files: 'ok' } }]);
  });
  for (const route of routes.slice(3, 4)) expect((await ask(route)).status).toBe(202);
  expect((await submit(url)).status).toBe(200);
  // A stream that was open goes on.
  expect(await server.requests.cancel(id, 'client_cancelled')).toBe('requested');
  expect(await events).toContain('"COMPLETED"');
}, 60_000);

test('a disk with too little space: not ready, and requests are refused rather than accepted', async () => {
  await using server = await startTestServer({ settings: { SOUNDSTAGE_MIN_FREE_BYTES: String(2 ** 52) } });
  const ready = await fetch(`${server.url}/ready`);
  const checks = {
    data: 'ok',
    database: 'ok',
    files: 'ok',
    disk: expect.stringMatching(/MiB free.*SOUNDSTAGE_MIN_FREE_BYTES/),
  };
  expect([ready.status, await ready.json()]).toEqual([503, { ready: false, checks }]);
  for (const surface of ['queue', 'run']) {
    const refused = await fetch(`${server.url}/${surface}/${endpoint}`, { method: 'POST', body: input });
    expect(refused.status).toBe(503);
    expect(await refused.json()).toMatchObject({ error_type: 'runner_scheduling_failure' });
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
  }
  expect(await server.requests.counts()).toEqual({ waiting: 0, running: 0 });
});
