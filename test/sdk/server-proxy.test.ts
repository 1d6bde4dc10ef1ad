import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createFalClient } from '@fal-ai/client';
import { createHandler as createExpressHandler } from '@fal-ai/server-proxy/express';
import { createRouteHandler as createHonoHandler } from '@fal-ai/server-proxy/hono';
import { getRequestListener } from '@hono/node-server';
import express from 'express';
import { Hono } from 'hono';
import { afterAll, expect, test } from 'vitest';
import { endpointId, recording, rewriteHost, smallClip } from '../support/endpoint.ts';
import { expectPlayable, type Output } from '../support/media/playable.ts';
import { startTestServer } from '../support/server.ts';

const server = await startTestServer({ maker: 'pipeline' });
afterAll(() => server[Symbol.asyncDispose]());

const { host } = new URL(server.url);
const route = '/api/fal/proxy';
const config = {
  allowedUrlPatterns: [`${host}/**`],
  allowedEndpoints: ['queue/**', 'rest/**'],
  allowUnauthorizedRequests: false,
  isAuthenticated: async () => true,
  resolveFalAuth: async () => 'Key local:local',
};

test('25 @fal-ai/server-proxy for Hono in front: subscribe', async () => {
  const app = new Hono();
  app.all(route, createHonoHandler(config));
  await subscribeThrough(getRequestListener(app.fetch));
});

test('26 @fal-ai/server-proxy for Express in front: subscribe', async () => {
  const app = express();
  app.all(route, express.json(), createExpressHandler(config));
  await subscribeThrough(app);
});

/** As a page in a browser would: without credentials, everything but the bytes of uploads through the proxy. */
async function subscribeThrough(app: RequestListener): Promise<void> {
  await using proxy = await listenOn(app);
  const fal = createFalClient({
    requestMiddleware: async (request) => ({ ...request, url: rewriteHost(request.url, server.url) }),
    proxyUrl: { url: `${proxy.url}${route}`, when: 'always' },
  });
  const sound = new Blob([await recording()], { type: 'audio/wav' });
  const { data } = await fal.subscribe(endpointId, { input: { ...smallClip, audio_url: sound }, logs: true });
  await expectPlayable(data as Output);
  expect(proxy.calls).toBeGreaterThanOrEqual(4);
}

async function listenOn(
  app: RequestListener,
): Promise<AsyncDisposable & { readonly url: string; readonly calls: number }> {
  let calls = 0;
  const listener = createServer((request, response) => {
    calls += 1;
    app(request, response);
  });
  await once(listener.listen(0, '127.0.0.1'), 'listening');
  const { port } = listener.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    get calls() {
      return calls;
    },
    [Symbol.asyncDispose]: async () => {
      const closed = once(listener, 'close');
      listener.close();
      listener.closeAllConnections();
      await closed;
    },
  };
}
