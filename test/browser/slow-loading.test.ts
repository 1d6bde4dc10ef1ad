import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { TestClipMaker } from '../../src/jobs/jobs.test-support.ts';
import { endpointId, recording, smallClip } from '../support/endpoint.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { findChromium } from './chromium.ts';
import { launchBrowser, PlaygroundPage, patience } from './playground-page.ts';

const chromiumPath = findChromium();

/** Holds back what is asked of these paths until it is let through. */
class SlowRoutes {
  readonly #paths: RegExp;
  readonly #open = Promise.withResolvers<void>();
  held = 0;

  constructor(paths: RegExp) {
    this.#paths = paths;
  }

  readonly routes = async (page: Page): Promise<void> => {
    await page.route(
      ({ pathname }) => this.#paths.test(pathname),
      async (route) => {
        this.held += 1;
        await this.#open.promise;
        await route.continue();
      },
    );
  };

  letThrough(): void {
    this.#open.resolve();
  }
}

describe.skipIf(chromiumPath === undefined)('a page that is slow to load', { timeout: 300_000 }, () => {
  const opened = new AsyncDisposableStack();
  let server: TestServer;
  let browser: Browser;
  let url: string;

  beforeAll(async () => {
    server = opened.use(await startTestServer({ maker: new TestClipMaker() }));
    browser = await launchBrowser(chromiumPath ?? '');
    opened.defer(() => browser.close());
    url = server.url;
  });
  afterAll(() => opened.disposeAsync());

  async function uploaded(name: string): Promise<string> {
    const body = new Uint8Array(await recording());
    const headers = { 'content-type': 'audio/wav', 'x-fal-file-name': name };
    const reply = await fetch(`${url}/cdn/files/upload`, { method: 'POST', headers, body });
    return ((await reply.json()) as { access_url: string }).access_url;
  }

  async function made(prompt: string): Promise<void> {
    const body = JSON.stringify({ ...smallClip, prompt, audio_url: await uploaded('made.wav') });
    const reply = await fetch(`${url}/run/${endpointId}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body,
    });
    expect(reply.status).toBe(200);
  }

  test('a recording that is dropped before the form is there takes the place of the kept one, for good', async () => {
    const audio_url = await uploaded('kept.wav');
    const slow = new SlowRoutes(/^\/(?:v1\/|installation|input-schema|cdn\/)/);
    const form = { audio_url, prompt: 'Kept' };
    await using page = await PlaygroundPage.visit(browser, url, { form, routes: slow.routes });
    await expect.poll(() => slow.held, { timeout: patience }).toBeGreaterThan(2);
    await page.give('drop', 'body', { name: 'new.wav', mimeType: 'audio/wav', buffer: await recording(0.7) });
    slow.letThrough();
    await page.field('prompt').waitFor();
    const names = page.field('audio_url').locator('.name');
    await expect.poll(() => names.allTextContents(), { timeout: patience }).toEqual(['new.wav']);
    await page.sent();
    await page.page.getByText('0.70 s').waitFor();
    expect(await names.allTextContents()).toEqual(['new.wav']);
    expect((await page.sentInput()).audio_url).toMatch(/new\.wav$/);
  });

  test('a recording that is picked while the kept one and the history are read stays', async () => {
    await made('Made before');
    const audio_url = await uploaded('kept.wav');
    const slow = new SlowRoutes(/^\/(?:v1\/models\/requests|installation|cdn\/)/);
    await using page = await PlaygroundPage.open(browser, url, {
      form: { audio_url, prompt: 'Kept' },
      routes: slow.routes,
    });
    await expect.poll(() => slow.held, { timeout: patience }).toBeGreaterThan(2);
    await page.pick('audio_url', { name: 'new.wav', mimeType: 'audio/wav', buffer: await recording(0.7) });
    await page.prompt('Typed meanwhile');
    slow.letThrough();
    await page.page.getByText('Made before').first().waitFor();
    await page.page.getByText('0.70 s').waitFor();
    expect(await page.sentInput()).toMatchObject({
      audio_url: expect.stringMatching(/new\.wav$/),
      prompt: 'Typed meanwhile',
    });
  });
  test('a list of clips that is late hides none that was made meanwhile, and brings none back that was erased', async () => {
    await made('Made before');
    const [asking, answering] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const asked = Promise.withResolvers<void>();
    const routes = async (page: Page): Promise<void> => {
      await page.route(
        ({ pathname, searchParams }) => pathname.endsWith('/by-endpoint') && !searchParams.has('request_id'),
        async (route) => {
          await asking.promise;
          const response = await route.fetch();
          asked.resolve();
          await answering.promise;
          await route.fulfill({ response });
        },
      );
    };
    await using page = await PlaygroundPage.open(browser, url, { routes });
    const clips = page.page.getByRole('region', { name: 'History' }).getByRole('listitem');
    await page.upload('tone.wav', await recording());
    for (const prompt of ['To be rid of', 'Made meanwhile']) {
      await page.prompt(prompt);
      await page.run();
      await clips.getByText(prompt).waitFor();
      if (prompt !== 'To be rid of') continue;
      asking.resolve();
      await asked.promise;
      await page.button('Erase').click();
      await page.button('Really erase').click();
      await expect.poll(() => clips.count(), { timeout: patience }).toBe(0);
    }
    answering.resolve();
    await clips.getByText('Made before').first().waitFor();
    const shown = await clips.locator('.caption').allTextContents();
    expect([shown[0], shown.includes('To be rid of')]).toEqual(['Made meanwhile', false]);
  });
});
