import type { Browser, Locator } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { TestClipMaker } from '../../src/jobs/jobs.test-support.ts';
import { endpointId, recording, smallClip } from '../support/endpoint.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { findChromium } from './chromium.ts';
import { launchBrowser, PlaygroundPage } from './playground-page.ts';

const chromiumPath = findChromium();
const clips = 5;

/** Pixels that a button with one line of text stays below. */
const oneLine = 50;

describe.skipIf(chromiumPath === undefined)('the layout of the page', { timeout: 300_000 }, () => {
  const opened = new AsyncDisposableStack();
  let server: TestServer;
  let browser: Browser;

  beforeAll(async () => {
    server = opened.use(await startTestServer({ maker: new TestClipMaker() }));
    browser = await launchBrowser(chromiumPath ?? '');
    opened.defer(() => browser.close());
    const upload = await fetch(`${server.url}/cdn/files/upload`, {
      method: 'POST',
      headers: { 'content-type': 'audio/wav', 'x-fal-file-name': 'tone.wav' },
      body: new Uint8Array(await recording()),
    });
    const { access_url: audio_url } = (await upload.json()) as { access_url: string };
    for (let clip = 1; clip <= clips; clip += 1) {
      const body = JSON.stringify({ ...smallClip, audio_url, prompt: `Clip ${clip}` });
      const headers = { 'content-type': 'application/json' };
      expect((await fetch(`${server.url}/run/${endpointId}`, { method: 'POST', headers, body })).status).toBe(200);
    }
  });
  afterAll(() => opened.disposeAsync());

  test.each([
    [1360, 900, 'light'],
    [1360, 900, 'dark'],
    [1920, 1080, 'light'],
    [1920, 1080, 'dark'],
    [390, 844, 'light'],
    [390, 844, 'dark'],
  ] as const)(
    '%i × %i, %s: everything can be reached, nothing is covered or cut off',
    async (width, height, colorScheme) => {
      await using page = await PlaygroundPage.open(browser, server.url, {
        viewport: { width, height },
        colorScheme,
        isMobile: width < 600,
        hasTouch: width < 600,
      });
      const cards = page.page.getByRole('region', { name: 'History' }).getByRole('listitem');
      await cards.nth(clips - 1).waitFor();
      expect(await page.seriousFindings()).toEqual([]);
      const sides = await page.page.evaluate<readonly number[]>(
        '[document.documentElement.scrollWidth, document.documentElement.clientWidth]',
      );
      expect(sides[0]).toBe(sides[1]);
      for (const button of await page.page.locator('button:visible, .button:visible').all()) {
        if (!(await isPicture(button))) expect((await button.boundingBox())?.height).toBeLessThan(oneLine);
      }

      // A click fails where anything else lies over what is to be clicked.
      const result = page.page.getByRole('region', { name: 'Result' });
      await page.field('end_image_strength').locator('xpath=ancestor::details[1]/summary').click();
      for (const name of ['image_url', 'end_image_url']) {
        await page.field(name).getByRole('textbox').click();
        await page.field(name).getByRole('textbox').fill('https://example.com/a.png');
      }
      await page.page.getByLabel('Jib down').check();
      await page.field('seed').locator('input').click();
      for (const [index, prompt] of [
        [2, 'Clip 3'],
        [4, 'Clip 1'],
      ] as const) {
        await cards.nth(index).getByRole('button', { name: /^Show/ }).click();
        expect(await result.locator('.caption').textContent()).toBe(prompt);
        expect(await isInView(result, height)).toBe(true);
      }
      expect(await isInView(page.button('Make the clip'), height)).toBe(true);
      await page.screenshot(`13-${width}-${colorScheme}`);
    },
  );
});

function isPicture(button: Locator): Promise<boolean> {
  return button.evaluate((element) => element.classList.contains('cover'));
}

/** Whether somebody sees where it begins, without scrolling. */
async function isInView(what: Locator, height: number): Promise<boolean> {
  const top = (await what.boundingBox())?.y ?? -1;
  return top >= 0 && top < height;
}
