import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { recording } from '../support/endpoint.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { findChromium } from './chromium.ts';
import { launchBrowser, PlaygroundPage, patience } from './playground-page.ts';

const chromiumPath = findChromium();

/** What these tests need of a video element. */
interface Media {
  readonly currentTime: number;
  readonly muted: boolean;
  readonly paused: boolean;
  readonly videoWidth: number;
}

describe.skipIf(chromiumPath === undefined)('somebody who has never been here', { timeout: 300_000 }, () => {
  const opened = new AsyncDisposableStack();
  let server: TestServer;
  let browser: Browser;

  beforeAll(async () => {
    server = opened.use(await startTestServer({ maker: 'pipeline' }));
    // As browsers come: nothing plays with sound before somebody has touched the page.
    browser = await launchBrowser(chromiumPath ?? '', ['--autoplay-policy=document-user-activation-required']);
    opened.defer(() => browser.close());
  });
  afterAll(() => opened.disposeAsync());

  const visit = (options: Parameters<typeof PlaygroundPage.visit>[2] = {}): Promise<PlaygroundPage> =>
    PlaygroundPage.open(browser, server.url, { form: {}, isFolded: true, reducedMotion: 'no-preference', ...options });

  function media(page: Page): Promise<Media> {
    return page
      .getByRole('region', { name: 'Example' })
      .locator('video')
      .evaluate((element) => {
        const { currentTime, muted, paused, videoWidth } = element as unknown as Media;
        return { currentTime, muted, paused, videoWidth };
      });
  }

  test('sees an example play at once, and hears it when asked for', async () => {
    await using page = await visit();
    await expect.poll(async () => (await media(page.page)).currentTime, { timeout: patience }).toBeGreaterThan(0.2);
    expect(await media(page.page)).toMatchObject({ muted: true, paused: false, videoWidth: 512 });
    expect(await page.seriousFindings()).toEqual([]);
    await page.screenshot('10-first-visit');
    await page.button('Turn the sound on').click();
    await expect.poll(async () => (await media(page.page)).muted).toBe(false);
    expect(await media(page.page)).toMatchObject({ muted: false, paused: false });
    expect(await page.button('Turn the sound on').count()).toBe(0);
    await page.page.getByLabel('Melody').check();
    await expect.poll(async () => (await media(page.page)).currentTime, { timeout: patience }).toBeGreaterThan(0.2);
  });

  test('sees it stand still where motion is not wanted', async () => {
    await using page = await visit({ reducedMotion: 'reduce' });
    await page.page.waitForTimeout(1000);
    expect(await media(page.page)).toMatchObject({ currentTime: 0, paused: true });
  });

  test('takes an example over into the form, with the keyboard alone, and gets the same clip', async () => {
    await using page = await visit();
    await page.page.getByLabel('Drums').focus();
    await page.page.keyboard.press('Space');
    await page.button('Use this').focus();
    await page.page.keyboard.press('Enter');
    await page.sent();
    expect(await page.form()).toMatchObject({
      prompt: 'A red circle that pulses with the sound, yellow background',
      audio_url: expect.stringMatching(/drums\.mp3$/),
      video_size: { width: 512, height: 384 },
      seed: 4,
    });
    expect(await page.button('Make the clip').evaluate((button) => button === button.ownerDocument.activeElement)).toBe(
      true,
    );
    await page.page.keyboard.press('Enter');
    // A whole clip of the size that people get.
    await page.page.getByRole('region', { name: 'Result' }).waitFor({ timeout: 2 * patience });
    expect(await page.fact('Seed')).toBe('4');
    expect(await page.fact('Size')).toBe('512 × 384');
    expect(await page.seriousFindings()).toEqual([]);
    // What the next one takes is known from this one; what it costs is nobody's business here.
    const estimate = page.page.locator('.estimate strong');
    expect(await estimate.textContent()).toMatch(/^About \d+ (?:s|min)/);
    expect(await (await page.result()).getByText('Cost').count()).toBe(0);
    await page.button('Examples').click();
    await page.page.getByRole('region', { name: 'Example' }).waitFor();
    await page.button(/^Show: A red circle/).click();
    expect(await page.fact('Seed')).toBe('4');
  });

  test('is given words that suit the model where that is not the miniature, and the size that is usual for it', async () => {
    await using page = await visit({
      routes: async (tab) => {
        await tab.route('**/installation', async (route) => {
          const response = await route.fetch();
          const installation = (await response.json()) as { readonly model: object };
          const model = { ...installation.model, isMiniature: false };
          await route.fulfill({ response, json: { ...installation, model } });
        });
      },
    });
    await page.page.getByText('This server runs the model itself').waitFor();
    await page.page.getByLabel('Drums').check();
    await page.button('Use this').click();
    await page.sent();
    const sent = await page.sentInput();
    expect(sent.prompt).toMatch(/^A drummer in a red shirt/);
    expect(sent).not.toHaveProperty('video_size');
    expect(sent).not.toHaveProperty('seed');
  });

  test('gets a small clip unless another size is chosen; what is chosen is what is asked for', async () => {
    await using page = await visit();
    await page.upload('tone.wav', await recording());
    await page.prompt('A woman speaks');
    expect((await page.sentInput()).video_size).toEqual({ width: 512, height: 384 });
    await page.page.getByRole('heading', { name: 'Output' }).click();
    await page.page.getByLabel('Landscape 4:3').check();
    expect(await page.sentInput()).not.toHaveProperty('video_size');
    await page.page.getByLabel('Landscape 16:9').check();
    expect((await page.sentInput()).video_size).toBe('landscape_16_9');
    await page.page.getByLabel('Small 4:3').check();
    expect((await page.sentInput()).video_size).toEqual({ width: 512, height: 384 });
  });

  test('is told at once that a text is no recording, and that empty LoRAs are none', async () => {
    await using page = await visit();
    await page.prompt('A woman speaks');
    const text = { name: 'notes.txt', mimeType: 'text/plain', buffer: Buffer.from('Things to do:\n- buy milk\n') };
    for (const give of [() => page.pick('audio_url', text), () => page.give('drop', 'h1', text)]) {
      await give();
      await page.field('audio_url').getByText('notes.txt is a text. Choose a file with sound in it.').waitFor();
      expect(await page.page.getByText('the server may well read it').count()).toBe(0);
      await page.run();
      expect(await page.page.getByRole('region', { name: 'Run' }).count()).toBe(0);
      await page.button('Remove the recording').click();
    }
    await page.upload('tone.wav', await recording());
    await page.page.getByRole('heading', { name: 'LoRAs' }).click();
    await page.button('Add by URL or repository').click();
    await page.button('Add by URL or repository').click();
    await page.page.getByLabel('LoRA 2: URL or repository').fill('owner/repository');
    expect((await page.sentInput()).loras).toEqual([{ path: 'owner/repository', scale: 1 }]);
  });

  test('is led to the first thing that is missing', async () => {
    await using page = await visit();
    await page.run();
    const focused = page.page.locator(':focus');
    await page.field('audio_url').getByRole('alert').getByText('Add a recording').waitFor();
    expect(await focused.evaluate((element) => element.closest('.field')?.id)).toBe('field-audio_url');
  });
});
