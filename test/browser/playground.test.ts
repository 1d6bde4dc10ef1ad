import type { Browser } from 'playwright-core';
import sharp from 'sharp';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { recording } from '../support/endpoint.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { findChromium } from './chromium.ts';
import { launchBrowser, PlaygroundPage, patience } from './playground-page.ts';

const chromiumPath = findChromium();

describe.skipIf(chromiumPath === undefined)('the playground, in a browser', { timeout: 300_000 }, () => {
  let server: TestServer;
  let browser: Browser;
  const hosts = new Set<string>();
  const errors: string[] = [];
  let opened: PlaygroundPage | undefined;

  const open = async (options?: Parameters<typeof PlaygroundPage.open>[2]): Promise<PlaygroundPage> => {
    opened = await PlaygroundPage.open(browser, server.url, options);
    return opened;
  };

  beforeAll(async () => {
    server = await startTestServer({ maker: 'pipeline' });
    browser = await launchBrowser(chromiumPath ?? '');
  });
  afterAll(async () => {
    await browser?.close();
    await server?.[Symbol.asyncDispose]();
  });
  afterEach(async () => {
    for (const host of opened?.hosts ?? []) hosts.add(host);
    errors.push(...(opened?.errors ?? []));
    await opened?.[Symbol.asyncDispose]();
    opened = undefined;
  });

  test('upload, run, watch, play; history after a reload; again with the same seed; change one thing', async () => {
    const page = await open();
    await page.screenshot('1-empty');
    expect(await page.seriousFindings()).toEqual([]);

    await page.upload('tone.wav', await recording());
    await page.prompt('A woman speaks to the camera');
    await expect
      .poll(() => page.page.locator('.estimate strong').textContent(), { timeout: patience })
      .toBe('≈ $0.001');
    await page.run();
    await page.page.locator('.preview canvas, .result').first().waitFor();
    await page.screenshot('2-running');
    const video = (await page.result()).locator('video');
    await page.screenshot('3-result');
    expect(await page.seriousFindings()).toEqual([]);
    expect(await page.fact('Size')).toBe('64 × 64');
    expect(await page.fact('Cost')).toBe('$0.001 for 1 megapixels');
    await video.evaluate((element) => (element as unknown as Media).play());
    await expect
      .poll(() => video.evaluate((element) => (element as unknown as Media).currentTime), { timeout: patience })
      .toBeGreaterThan(0);
    const seed = await page.fact('Seed');
    const first = await video.getAttribute('src');

    await page.page.reload();
    const history = page.page.getByRole('region', { name: 'History' });
    await history.getByRole('button', { name: 'Show: A woman speaks' }).click();
    expect(await page.fact('Seed')).toBe(seed);

    await page.button('Again with this seed').click();
    await expect.poll(() => history.getByRole('listitem').count(), { timeout: patience }).toBe(2);
    expect(await page.fact('Seed')).toBe(seed);
    const second = await (await page.result()).locator('video').getAttribute('src');
    expect(second).not.toBe(first);
    expect(await bytesOf(second)).toEqual(await bytesOf(first));

    await page.button('Change one thing').click();
    await page.prompt('A dog barks');
    await page.run();
    const comparison = page.page.getByRole('region', { name: 'Side by side' });
    await comparison.waitFor();
    expect(await comparison.locator('tbody th').allTextContents()).toEqual(['prompt']);
    expect(await page.seriousFindings()).toEqual([]);
    await page.screenshot('4-side-by-side');
  });

  test('a recording from the microphone, cut by keyboard', async () => {
    const page = await open();
    await page.page.getByRole('button', { name: 'Record', exact: true }).click();
    await expect
      .poll(async () => Number.parseFloat((await page.page.getByRole('timer').textContent()) ?? '0'), {
        timeout: patience,
      })
      .toBeGreaterThan(1);
    await page.button('Stop').click();
    await page.sent();
    const start = page.page.getByLabel('Start of what is used');
    await start.focus();
    for (let press = 0; press < 6; press += 1) await page.page.keyboard.press('ArrowRight');
    expect(await start.getAttribute('aria-valuetext')).toBe('0.30 seconds');
    await page.sent();
    expect((await page.form()).audio_url).toMatch(/recording-cut\.wav$/);
    await page.prompt('Beeping');
    await page.run();
    await page.result();
    await page.screenshot('5-recorded');
  });

  test('a LoRA that fails is named with its message', async () => {
    const page = await open();
    await page.upload('tone.wav', await recording());
    await page.prompt('A woman speaks');
    await page.page.getByLabel('nano style neon').check();
    await page.button('Add by URL or repository').click();
    await page.page.getByLabel('LoRA 2: URL or repository').fill(String((await page.form()).audio_url));
    await page.run();
    const failure = page.page.locator('.failure');
    await failure.waitFor();
    expect(await failure.textContent()).toContain('loras.1.path');
    const beside = page.page.locator('[id="problem-loras.1.path"]');
    expect(await beside.textContent()).toMatch(/safetensors/i);
    expect(await page.seriousFindings()).toEqual([]);
    await page.screenshot('6-failure');
  });

  test('a run goes on over a reload, and is cancelled', async () => {
    const page = await open({
      form: { video_size: { width: 512, height: 512 }, match_audio_length: false, num_frames: 241 },
    });
    await page.upload('tone.wav', await recording());
    await page.prompt('A woman speaks');
    await page.run();
    await page.page.getByText(/^(?:Denoising|Listening|Reading)/).waitFor();
    await page.page.reload();
    const run = page.page.getByRole('region', { name: 'Run' });
    await run.getByText(/Denoising/).waitFor();
    await run.getByText('Log').click();
    expect(await run.locator('pre').textContent()).toContain('fetching inputs');
    await run.getByRole('button', { name: 'Cancel' }).click();
    await run.getByText(/^Cancelled/).waitFor();
    await page.screenshot('7-cancelled');
    await page.page.reload();
    await page.field('prompt').waitFor();
    expect(await run.count()).toBe(0);
  });

  test('what the schema does not allow is not sent, and the field says why', async () => {
    const page = await open();
    await page.run();
    expect(await page.field('audio_url').getByRole('alert').textContent()).toContain('Add a recording');
    expect(await page.field('prompt').getByRole('alert').textContent()).toContain('Say what should be seen');
    await page.field('seed').locator('input').fill('-1');
    expect(await page.field('seed').getByRole('alert').textContent()).toBe('Enter a number from 0 to 4294967295.');
    expect(await page.page.getByRole('region', { name: 'Run' }).count()).toBe(0);
  });

  test.each(['light', 'dark'] as const)('on a phone, %s', async (colorScheme) => {
    const page = await open({ viewport: { width: 360, height: 740 }, colorScheme, isMobile: true, hasTouch: true });
    for (const summary of await page.page.locator('summary').all()) await summary.click();
    await page.upload('tone.wav', await recording());
    const width = (what: string) => page.page.evaluate(`document.documentElement.${what}`);
    expect(await width('scrollWidth')).toBe(await width('clientWidth'));
    expect(await page.seriousFindings()).toEqual([]);
    await page.screenshot(`8-phone-${colorScheme}`);
  });

  test('a picture is shown as it is cropped, and its size can be the clip’s', async () => {
    const page = await open({ form: { num_frames: 9, match_audio_length: false } });
    const picture = sharp({ create: { width: 300, height: 200, channels: 3, background: '#27a' } });
    const file = { name: 'blue.png', mimeType: 'image/png', buffer: await picture.png().toBuffer() };
    await page.field('image_url').locator('input[type=file]').setInputFiles(file);
    await expect.poll(async () => (await page.form()).image_url, { timeout: patience }).toMatch(/blue\.png$/);
    const figure = page.field('image_url').locator('figure');
    expect(await figure.locator('.amount').textContent()).toBe('300 × 200 → 1024 × 768');
    await page.page.getByLabel('auto').check();
    expect(await figure.locator('.amount').textContent()).toBe('300 × 200 → 300 × 200');
    expect(await page.page.locator('.estimate').textContent()).toContain('≈ $0.001');
    await figure.getByRole('button', { name: 'Remove' }).click();
    expect(await page.form()).not.toHaveProperty('image_url');
  });

  test('every field of the contract has a control', async () => {
    const page = await open();
    const schema = (await (await fetch(new URL('/input-schema', server.url))).json()) as { properties: object };
    await page.page.getByLabel('jib up').check();
    for (const name of Object.keys(schema.properties)) {
      expect([name, await page.field(name).locator('input, textarea, button').count()]).not.toEqual([name, 0]);
    }
  });

  test('nothing is asked of any other host, and the policy is never broken', () => {
    expect([...hosts]).toEqual([new URL(server.url).host]);
    expect(errors).toEqual([]);
  });
});

/** What these tests need of a video element. */
interface Media {
  readonly currentTime: number;
  play(): Promise<void>;
}

async function bytesOf(url: string | null): Promise<Buffer> {
  return Buffer.from(await (await fetch(url ?? '')).arrayBuffer());
}
