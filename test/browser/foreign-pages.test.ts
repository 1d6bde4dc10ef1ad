import { subscribe } from 'node:diagnostics_channel';
import { EventEmitter, on } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { TestClipMaker, untilAborted } from '../../src/jobs/jobs.test-support.ts';
import { endpointId, smallClip } from '../support/endpoint.ts';
import { startTestServer, type TestServer, type TestServerOptions } from '../support/server.ts';
import { findChromium } from './chromium.ts';
import { launchBrowser } from './playground-page.ts';

const chromiumPath = findChromium();
const app = endpointId.split('/').slice(0, 2).join('/');
const clip = JSON.stringify({ ...smallClip, audio_url: 'https://example.com/a.wav' });
/** A name of somebody else that leads to this machine: what a page achieves by DNS rebinding. */
const rebound = 'rebound.example';

/** Of servers of this process. */
const replies = new EventEmitter();
subscribe('http.server.response.finish', (message) => replies.emit('finish', message));

/** What the pages' scripts do. */
const script = `
  async function seen(url, init) {
    try {
      const reply = await fetch(url, { ...init, signal: AbortSignal.timeout(2000) });
      return { status: reply.status, text: await reply.text() };
    } catch {
      return undefined;
    }
  }
  function shown(url) {
    return new Promise((resolve) => {
      const image = new Image();
      image.onload = () => resolve(true);
      image.onerror = () => resolve(false);
      image.src = url;
    });
  }
  function postForm(url, name, value) {
    const form = document.body.appendChild(document.createElement('form'));
    Object.assign(form, { method: 'post', enctype: 'text/plain', action: url });
    Object.assign(form.appendChild(document.createElement('input')), { name, value });
    form.submit();
  }
  function postFromFrame(url, name, value) {
    const frame = document.createElement('iframe');
    frame.setAttribute('sandbox', 'allow-scripts allow-forms');
    frame.srcdoc = '<body><script>' + postForm + ';postForm(' + [url, name, value].map((text) => JSON.stringify(text)) + ')</' + 'script>';
    document.body.append(frame);
  }
  function follow(url) {
    const link = document.body.appendChild(document.createElement('a'));
    link.href = url;
    link.click();
  }
  Object.assign(globalThis, { seen, shown, postForm, postFromFrame, follow });
`;

/** What a script of a page gets to see of an answer. */
interface Seen {
  readonly status: number;
  readonly text: string;
}

describe.skipIf(chromiumPath === undefined)('pages of others, in a browser', { timeout: 120_000 }, () => {
  const opened = new AsyncDisposableStack();
  let browser: Browser;
  let server: TestServer;
  let allowed: string;
  let foreign: string;

  beforeAll(async () => {
    [foreign, allowed] = [await servePage(opened), await servePage(opened)];
    server = opened.use(await startBusyServer({ SOUNDSTAGE_ALLOW_ORIGINS: allowed }));
    browser = await launchBrowser(chromiumPath ?? '', [`--host-resolver-rules=MAP ${rebound} 127.0.0.1`]);
    opened.defer(() => browser.close());
  });
  afterAll(() => opened.disposeAsync());

  async function onPage<Result>(address: string, work: (page: Page) => Promise<Result>): Promise<Result> {
    await using opening = new AsyncDisposableStack();
    const page = opening.adopt(await browser.newPage(), (tab) => tab.close());
    await page.addInitScript(script);
    await page.goto(address);
    return await work(page);
  }

  /** Requests that the server has accepted, cancelled ones included. */
  async function requests(): Promise<number> {
    return (await server.database.kysely.selectFrom('requests').select('id').execute()).length;
  }

  async function submitted(): Promise<string> {
    const reply = await fetch(`${server.url}/queue/${endpointId}`, { method: 'POST', body: clip });
    return ((await reply.json()) as { request_id: string }).request_id;
  }

  test.each([
    ['JSON', `/queue/${endpointId}`, { headers: { 'content-type': 'application/json' } }],
    ['plain text, for which no leave is asked', `/queue/${endpointId}`, { headers: { 'content-type': 'text/plain' } }],
    ['what it may not read the answer to', `/queue/${endpointId}`, { mode: 'no-cors' }],
    ['direct runs', `/run/${endpointId}`, {}],
    ['events', `/run/${endpointId}/stream`, {}],
    [
      'what the proxy route is for',
      '/fal/proxy',
      { headers: { 'x-fal-target-url': `https://queue.fal.run/${endpointId}` } },
    ],
  ] as const)('a page of another port cannot submit %s', async (_what, path, init) => {
    const before = await requests();
    const seen = await onPage(foreign, (page) =>
      seenBy(page, `${server.url}${path}`, { method: 'POST', body: clip, ...init }),
    );
    expect(seen?.status ?? 0).toBe(0);
    expect(await requests()).toBe(before);
  });

  test('nor by a form, a beacon or a sandboxed frame, whatever name of this machine it uses', async () => {
    const before = await requests();
    // A form as plain text is `name=value`: with the equals sign inside a string, that is JSON.
    const fields = [`${clip.slice(0, -1)},"x":"`, '"}'] as const;
    for (const host of ['127.0.0.1', 'localhost', 'clips.localhost']) {
      const target = `http://${host}:${new URL(server.url).port}/queue/${endpointId}`;
      await onPage(foreign, async (page) => {
        for (const [way, ...parameters] of [
          ['navigator.sendBeacon', clip],
          ['postFromFrame', ...fields],
          ['postForm', ...fields],
        ] as const) {
          const [status] = await Promise.all([nextPost(host), ask(page, way, target, ...parameters)]);
          expect(status).toBe(403);
        }
      });
    }
    expect(await requests()).toBe(before);
  });

  test('it can neither read, nor watch, nor cancel a request, nor upload, nor show a file', async () => {
    const id = await submitted();
    const at = `${server.url}/queue/${app}/requests/${id}`;
    const upload = await fetch(`${server.url}/cdn/files/upload`, {
      method: 'POST',
      headers: { 'content-type': 'image/gif' },
      body: Buffer.from('R0lGODlhAQABAAAAACwAAAAAAQABAAAC', 'base64'),
    });
    const { access_url: file } = (await upload.json()) as { access_url: string };
    await onPage(foreign, async (page) => {
      for (const path of [`${at}/status`, `${at}/status/stream`, `${server.url}/v1/models/usage`, file]) {
        expect(await seenBy(page, path)).toBeUndefined();
        expect((await seenBy(page, path, { mode: 'no-cors' }))?.text ?? '').toBe('');
      }
      expect(await seenBy(page, `${at}/cancel`, { method: 'PUT' })).toBeUndefined();
      expect(await seenBy(page, `${server.url}/cdn/files/upload`, { method: 'POST', body: 'x' })).toBeUndefined();
      expect(await ask(page, 'shown', file)).toBe(false);
    });
    expect((await server.requests.status(id))?.state).not.toBe('COMPLETED');
    expect(await onPage(allowed, (page) => ask(page, 'shown', file))).toBe(true);
    expect(await onPage(server.url, (page) => ask(page, 'shown', file))).toBe(true);
  });

  test('a page whose name comes to lead here is refused, whatever it asks', async () => {
    const before = await requests();
    const { port } = new URL(server.url);
    const home = `http://${rebound}:${port}`;
    await onPage(`${home}/health`, async (page) => {
      expect(await seenBy(page, `${home}/queue/${endpointId}`, { method: 'POST', body: clip })).toMatchObject({
        status: 403,
        text: expect.stringContaining(rebound),
      });
      expect((await seenBy(page, `${home}/v1/models/usage`))?.status).toBe(403);
    });
    expect(await requests()).toBe(before);
  });

  test('a page of an allowed origin can, and so can a link that somebody follows', async () => {
    const seen = await onPage(allowed, (page) =>
      seenBy(page, `${server.url}/queue/${endpointId}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: clip,
      }),
    );
    expect(seen).toMatchObject({ status: 200, text: expect.stringContaining('request_id') });
    await onPage(foreign, async (page) => {
      const link = `${server.url}/health`;
      const [reply] = await Promise.all([page.waitForResponse(link), ask(page, 'follow', link)]);
      expect(reply.status()).toBe(200);
    });
  });
});

/**
 * Status of the reply to the next POST under this name. The browser's own events tell nothing of a frame that gets a
 * process of its own only while it loads.
 */
async function nextPost(host: string): Promise<number> {
  for await (const [message] of on(replies, 'finish', { signal: AbortSignal.timeout(30_000) })) {
    const { request, response } = message as { request: IncomingMessage; response: ServerResponse };
    if (request.method === 'POST' && request.headers.host?.startsWith(`${host}:`)) return response.statusCode;
  }
  throw new Error('unreachable');
}

/** One that never finishes a clip. */
async function startBusyServer(settings: NonNullable<TestServerOptions['settings']>): Promise<TestServer> {
  const maker = new TestClipMaker();
  maker.behavior = untilAborted;
  return await startTestServer({ maker, settings });
}

/** A page of somebody else; returns its origin. */
async function servePage(opened: AsyncDisposableStack): Promise<string> {
  const server = createServer((_request, response) => {
    response.setHeader('content-type', 'text/html').end('<!doctype html><title>Elsewhere</title><body>');
  }).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  opened.defer(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** Undefined where the browser keeps the answer from the page. */
function seenBy(page: Page, url: string, init: object = {}): Promise<Seen | undefined> {
  return ask(page, 'seen', url, init);
}

/** Calls a function of the page's scripts. */
function ask<Result>(page: Page, name: string, ...parameters: readonly unknown[]): Promise<Result> {
  return page.evaluate(`${name}(${parameters.map((value) => JSON.stringify(value)).join()})`);
}
