import { createFalClient } from '@fal-ai/client';
import { expect, test } from 'vitest';
import { rewriteHost } from '../support/endpoint.ts';
import { eventsOf } from './stage/calls.ts';
import { app, id, minimal, plainId, plainMinimal, prompted, unknownId } from './stage/names.ts';
import { onEachDatabase } from './stage/stage.ts';

await onEachDatabase('M. Extras', {}, (stage) => {
  test('163 a streamed run: progress, and the output as its last event', async () => {
    const reply = await stage.openCall(`/run/${id}/stream`, { body: prompted('Narrate') });
    expect(reply.status).toBe(200);
    expect(reply.headers.get('content-type')).toContain('text/event-stream');
    const events = await Array.fromAsync(eventsOf(reply));
    expect(events.at(-1)?.data).toEqual({
      video: expect.objectContaining({ url: expect.stringMatching(`^${stage.url}/cdn/files/`) }),
      seed: 7,
      prompt: 'Narrate',
    });
    expect(events.length).toBeGreaterThan(1);
    for (const { bytes } of events) expect([...bytes].every((byte) => byte < 0x80)).toBe(true);
    const refused = await stage.call(`/run/${id}/stream`, { body: { prompt: 'A dog' } });
    expect([refused.status, refused.body.detail.length]).toEqual([422, 2]);
  });

  test('163 a streamed run where there are no LoRAs', async () => {
    const events = await Array.fromAsync(
      eventsOf(await stage.openCall(`/run/${plainId}/stream`, { body: plainMinimal })),
    );
    expect(events.at(-1)?.data).toMatchObject({ seed: 7, prompt: plainMinimal.prompt });
    const refused = await stage.call(`/run/${plainId}/stream`, { body: { prompt: 'A dog' } });
    expect([refused.status, refused.body.detail.length]).toEqual([422, 1]);
  });

  test('164 JS stream: done() is the output', async () => {
    const fal = createFalClient({
      credentials: stage.credentials,
      requestMiddleware: async (request) => ({ ...request, url: rewriteHost(request.url, stage.url) }),
    });
    const stream = await fal.stream(id, { input: prompted('Narrate') });
    const output = await stream.done();
    expect(output).toEqual({
      video: expect.objectContaining({ content_type: 'video/mp4' }),
      seed: 7,
      prompt: 'Narrate',
    });
  });

  test('165 no route redirects', async () => {
    const requestId = await stage.completed(minimal);
    for (const [method, path] of routes(requestId)) {
      for (const variant of [path, path.replace(/(\?|$)/, '/$1'), path.replace(/\/([^/]*)$/, '//$1')]) {
        const reply = await fetch(`${stage.url}${variant}`, {
          method,
          redirect: 'manual',
          headers: { authorization: stage.authorization, 'content-type': 'application/json' },
          ...(method === 'POST' ? { body: JSON.stringify(minimal) } : {}),
        });
        await reply.body?.cancel();
        expect([method, variant, Math.floor(reply.status / 100)]).not.toEqual([method, variant, 3]);
        expect([method, variant, reply.status < 500]).toEqual([method, variant, true]);
      }
    }
  });

  test('166 no route goes by Accept', async () => {
    const requestId = await stage.completed(minimal);
    for (const [method, path] of routes(requestId)) {
      const replies = [];
      for (const accept of ['*/*', 'application/json', 'text/html', 'text/event-stream', 'application/xml;q=0.1', '']) {
        const reply = await fetch(`${stage.url}${path}`, {
          method,
          headers: { authorization: stage.authorization, accept, 'content-type': 'application/json' },
          ...(method === 'POST' ? { body: JSON.stringify(minimal) } : {}),
        });
        await reply.body?.cancel();
        replies.push([reply.status, reply.headers.get('content-type')]);
      }
      for (const reply of replies) expect([path, ...reply]).toEqual([path, ...(replies[0] ?? [])]);
    }
  });
});

/** One of every kind; posts carry a valid input, which some of them refuse. */
function routes(requestId: string): readonly (readonly [method: string, path: string])[] {
  return [
    ['POST', `/run/${id}`],
    ['POST', `/run/${app}/nothing`],
    ['POST', `/queue/${id}`],
    ['GET', `/queue/${app}/requests/${requestId}/status?logs=1`],
    ['GET', `/queue/${app}/requests/${requestId}/status/stream`],
    ['GET', `/queue/${app}/requests/${requestId}`],
    ['GET', `/queue/${id}/requests/${requestId}/response`],
    ['GET', `/queue/${app}/requests/${unknownId}`],
    ['PUT', `/queue/${app}/requests/${requestId}/cancel`],
    ['POST', '/rest/storage/upload/initiate?storage_type=fal-cdn-v3'],
    ['POST', '/rest/storage/upload/initiate-multipart?storage_type=fal-cdn-v3'],
    ['POST', '/rest/storage/auth/token?storage_type=fal-cdn-v3'],
    ['POST', '/rest/tokens'],
    ['GET', '/rest/.well-known/jwks.json'],
    ['POST', '/cdn/files/upload'],
    ['GET', '/cdn/files/b/00/nothing'],
    ['GET', `/models/${id}/llms.txt`],
    ['GET', `/api/openapi/queue/openapi.json?endpoint_id=${id}`],
    ['GET', `/v1/models?endpoint_id=${id}`],
    ['GET', `/v1/models/pricing?endpoint_id=${id}`],
    ['GET', '/v1/models/usage'],
    ['GET', `/v1/models/requests/by-endpoint?endpoint_id=${id}`],
    ['GET', '/v1/meta'],
    ['GET', '/health'],
    ['GET', '/ready'],
    ['POST', '/fal/proxy'],
  ];
}
