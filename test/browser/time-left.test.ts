import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { TestClipMaker, untilAborted } from '../../src/jobs/jobs.test-support.ts';
import { recording, smallClip } from '../support/endpoint.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { findChromium } from './chromium.ts';
import { launchBrowser, PlaygroundPage } from './playground-page.ts';

const chromiumPath = findChromium();
/** Of the clips of `TestClipMaker`, and of the form. */
const [made, wanted] = [1000 * 1000 * 3, 64 * 64 * smallClip.num_frames];

describe.skipIf(chromiumPath === undefined)('the time that a clip takes', { timeout: 300_000 }, () => {
  const opened = new AsyncDisposableStack();
  const maker = new TestClipMaker();
  let server: TestServer;
  let browser: Browser;

  beforeAll(async () => {
    server = opened.use(await startTestServer({ maker }));
    browser = await launchBrowser(chromiumPath ?? '');
    opened.defer(() => browser.close());
  });
  afterAll(() => opened.disposeAsync());

  /** What the page says of a run at that point of it. */
  async function told(page: PlaygroundPage, fraction: number, seconds: number): Promise<string> {
    const progress = {
      phase: 'denoise',
      step: 3,
      steps: 35,
      fraction,
      seconds,
      seconds_left: seconds / fraction - seconds,
    };
    const body = `data: ${JSON.stringify({ status: 'IN_PROGRESS', progress })}\n\n`;
    await page.page.route('**/progress/stream', (route) => route.fulfill({ contentType: 'text/event-stream', body }));
    maker.behavior = untilAborted;
    await page.run();
    const run = page.page.getByRole('region', { name: 'Run' });
    await run.getByText('Denoising 3 of 35').waitFor();
    const text = (await run.locator('.note').first().textContent()) ?? '';
    await run.getByRole('button', { name: 'Cancel' }).click();
    await run.getByText('Cancelled.').waitFor();
    maker.behavior = async () => {};
    await page.page.unroute('**/progress/stream');
    return text;
  }

  test('is not guessed from the first steps of the first clip, but from its pace later on', async () => {
    await using page = await PlaygroundPage.open(browser, server.url);
    await page.upload('tone.wav', await recording());
    await page.prompt('The first of all');
    expect(await page.page.locator('.estimate strong').textContent()).toBe('');
    expect(await told(page, 0.05, 2)).toMatch(/^\d+ s so far$/);
    expect(await told(page, 0.5, 20)).toMatch(/about (?:20|19|18) s left$/);
  });

  test('is known beforehand by the clips that were made, and by them until the pace tells more', async () => {
    await using page = await PlaygroundPage.open(browser, server.url, {
      routes: async (tab) => {
        await tab.route('**/by-endpoint?*', async (route) => {
          const response = await route.fetch();
          const { items, ...rest } = (await response.json()) as {
            items: readonly { readonly duration: number | null }[];
          };
          const slower = items.map((item) => ({
            ...item,
            duration: item.duration === null ? null : (90 * made) / wanted,
          }));
          await route.fulfill({ response, json: { ...rest, items: slower } });
        });
      },
    });
    await page.upload('tone.wav', await recording());
    await page.prompt('The second');
    await page.run();
    await page.result();
    await page.page.locator('.estimate').getByText('About 1 min 30 s').waitFor();
    // 88 s by the other clip, 38 s by the pace, of which 5 % count.
    expect(await told(page, 0.05, 2)).toMatch(/about 1 min (?:25|24|23) s left$/);
  });
});
