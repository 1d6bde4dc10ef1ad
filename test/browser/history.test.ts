import { setTimeout } from 'node:timers/promises';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { TestClipMaker, untilAborted } from '../../src/jobs/jobs.test-support.ts';
import { SoundstageError } from '../../src/shared/errors.ts';
import { endpointId, recording, smallClip } from '../support/endpoint.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { findChromium } from './chromium.ts';
import { launchBrowser, PlaygroundPage, patience } from './playground-page.ts';

const chromiumPath = findChromium();

describe.skipIf(chromiumPath === undefined)('what was made and what was tried', { timeout: 300_000 }, () => {
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

  test('what failed or was cancelled leaves the clip on show, stays in the history, and can be tried again', async () => {
    await using page = await PlaygroundPage.open(browser, server.url);
    const history = page.page.getByRole('region', { name: 'History' });
    const attempts = history.locator('.attempt');
    const result = page.page.getByRole('region', { name: 'Result' });
    await page.upload('tone.wav', await recording());
    await page.prompt('A clip to be seen');
    await page.run();
    await page.result();

    maker.behavior = async () => {
      throw new SoundstageError('input', 'This is more than the device can hold', { field: 'video_size' });
    };
    await page.prompt('Too large');
    await page.run();
    await page.page.getByText('Nothing was made.').waitFor();
    expect(await result.locator('.caption').first().textContent()).toBe('A clip to be seen');
    await page.page.locator('.failure').getByRole('button', { name: 'Size' }).waitFor();
    await attempts.getByText('This is more than the device can hold').waitFor();

    maker.behavior = untilAborted;
    await page.prompt('Given up');
    await page.run();
    await page.button('Cancel').click();
    await page.page.getByText('Cancelled.', { exact: true }).waitFor();
    await expect.poll(() => attempts.count()).toBe(2);
    expect(await result.locator('.caption').first().textContent()).toBe('A clip to be seen');
    expect(await page.seriousFindings()).toEqual([]);

    maker.behavior = async () => {};
    await page.page.reload();
    await expect.poll(() => attempts.locator('strong').allTextContents()).toEqual(['Cancelled', 'Failed']);
    await page.screenshot('11-attempts');
    await attempts.filter({ hasText: 'Given up' }).getByRole('button', { name: 'Retry' }).click();
    await expect.poll(() => result.locator('.caption').first().textContent(), { timeout: patience }).toBe('Given up');
    expect((await page.form()).audio_url).toMatch(/tone\.wav$/);
  });

  test('a clip that is shown takes the place of a comparison, whose lines are in words', async () => {
    await using page = await PlaygroundPage.open(browser, server.url);
    await page.upload('tone.wav', await recording());
    for (const [prompt, scale] of [
      ['First of two', 'Dolly in'],
      ['Second of two', 'None'],
    ] as const) {
      await page.prompt(prompt);
      await page.page.getByLabel(scale, { exact: true }).check();
      await page.run();
      await page.page.getByRole('region', { name: 'Result' }).getByText(prompt).first().waitFor();
    }
    const cards = page.page.getByRole('region', { name: 'History' }).getByRole('listitem');
    for (const prompt of ['First of two', 'Second of two']) {
      await cards.filter({ hasText: prompt }).getByLabel('Compare').check();
    }
    const comparison = page.page.getByRole('region', { name: 'Side by side' });
    expect(await comparison.locator('tbody tr').allTextContents()).toEqual([
      'Camera movedolly innone',
      'What should be seenFirst of twoSecond of two',
    ]);
    await page.button('Show: First of two').click();
    await page.page.getByRole('region', { name: 'Result' }).getByText('First of two').first().waitFor();
    expect(await comparison.count()).toBe(0);
  });

  test('four seeds are made one after another and stand side by side, unless they are given up', async () => {
    await using page = await PlaygroundPage.open(browser, server.url);
    const comparison = page.page.getByRole('region', { name: 'Side by side' });
    await page.upload('tone.wav', await recording());
    await page.prompt('Four of a kind');
    await page.field('seed').locator('input').fill('4294967294');
    await page.button('4 seeds').click();
    await comparison.waitFor();
    expect(await comparison.locator('video').count()).toBe(4);
    expect(await comparison.locator('tbody tr').allTextContents()).toEqual(['Seed4294967294429496729501']);
    expect(await page.seriousFindings()).toEqual([]);
    await page.screenshot('12-four-seeds');
    await page.button('Take this one, number 3').click();
    expect(await page.fact('Seed')).toBe('0');
    expect(await comparison.count()).toBe(0);

    // Left and opened again after the second, it makes the other two.
    let isHeld = true;
    maker.behavior = async (request, { signal }) => {
      while (isHeld && request.input.seed === 11 && !signal.aborted) await setTimeout(20);
    };
    await page.field('seed').locator('input').fill('10');
    await page.button('4 seeds').click();
    await page.page.getByText(/^Clip 2 of 4: /).waitFor();
    await page.page.reload();
    await page.page.getByText(/^Clip 2 of 4: /).waitFor();
    isHeld = false;
    await comparison.waitFor();
    expect(await comparison.locator('tbody tr').allTextContents()).toEqual(['Seed10111213']);

    maker.behavior = async (request, context) => {
      if (request.input.seed === 21) await untilAborted(request, context);
    };
    await page.field('seed').locator('input').fill('20');
    await page.button('4 seeds').click();
    await page.page.getByText(/^Clip 2 of 4: /).waitFor();
    await page.button('Cancel').click();
    await page.page.getByText('Cancelled.').waitFor();
    maker.behavior = async () => {};
    expect(await page.fact('Seed')).toBe('20');
    expect(await comparison.count()).toBe(0);
  });

  test('is searched by the words of prompts and the names of files, and saved as the JSON that the API takes', async () => {
    await using page = await PlaygroundPage.open(browser, server.url);
    await page.upload('whistle.wav', await recording());
    await page.prompt('A kettle on a stove');
    await page.run();
    await page.page.getByRole('region', { name: 'Result' }).getByText('A kettle on a stove').first().waitFor();
    const captions = page.page.getByRole('region', { name: 'History' }).locator('.clip .caption');
    expect(await captions.count()).toBeGreaterThan(1);
    const search = page.page.getByRole('searchbox', { name: 'Search the history' });
    for (const words of ['kettle', 'STOVE whistle']) {
      await search.fill(words);
      expect(await captions.allTextContents()).toEqual(['A kettle on a stove']);
    }
    await search.fill('nothing of the kind');
    await page.page.getByText('Nothing like that was found.').waitFor();

    const [saved] = await Promise.all([page.page.waitForEvent('download'), page.button('Save its inputs').click()]);
    const chunks = await (await saved.createReadStream()).toArray();
    expect(JSON.parse(Buffer.concat(chunks).toString())).toMatchObject({
      prompt: 'A kettle on a stove',
      audio_url: expect.stringMatching(/whistle\.wav$/),
      seed: 7,
    });
  });

  test('finds what is older than the page shows, by its words and by its LoRA', async () => {
    const send = async (input: Readonly<Record<string, unknown>>): Promise<void> => {
      const body = JSON.stringify({ ...smallClip, audio_url: `data:audio/wav;base64,${sound}`, ...input });
      const headers = { 'content-type': 'application/json' };
      const reply = await fetch(`${server.url}/${endpointId}`, { method: 'POST', headers, body });
      expect(reply.status).toBe(200);
    };
    const sound = (await recording()).toString('base64');
    await send({ prompt: 'An \u00fcbermütig "old" goat', camera_lora: 'jib_up' });
    for (let index = 0; index < 25; index += 1) await send({ prompt: `One of many, ${index}` });
    await using page = await PlaygroundPage.open(browser, server.url);
    const history = page.page.getByRole('region', { name: 'History' });
    const captions = history.locator('.clip .caption');
    await history.getByText('One of many, 24').waitFor();
    expect(await captions.allTextContents()).not.toContain('An übermütig "old" goat');
    const search = page.page.getByRole('searchbox', { name: 'Search the history' });
    await search.fill('ÜBERMÜTIG "old');
    await expect.poll(() => captions.allTextContents()).toEqual(['An übermütig "old" goat']);
    await search.fill('many');
    await expect.poll(() => captions.count()).toBe(24);
    await page.button('Older ones').click();
    await expect.poll(() => captions.count()).toBe(25);
    await search.fill('');
    await page.page.getByLabel('Made with').selectOption('jib_up');
    await expect.poll(() => captions.allTextContents()).toEqual(['An übermütig "old" goat']);
    expect(await page.seriousFindings()).toEqual([]);
    await page.screenshot('13-search');
  });

  test('a clip has an address that it can be opened by again, and that says so where it is gone', async () => {
    await using page = await PlaygroundPage.open(browser, server.url);
    const result = page.page.getByRole('region', { name: 'Result' });
    await page.upload('tone.wav', await recording());
    await page.prompt('A clip with an address');
    await page.run();
    await result.getByText('A clip with an address').first().waitFor();
    const id = await page.fact('Request');
    await page.page.reload();
    await result.getByText('A clip with an address').first().waitFor();

    await page.page.goto(new URL(`/clips/${id}`, server.url).href);
    await result.getByText('A clip with an address').first().waitFor();
    expect(await page.fact('Request')).toBe(id);
    await page.button('Change one thing').click();
    expect(await page.form()).toMatchObject({
      prompt: 'A clip with an address',
      audio_url: expect.stringMatching(/tone\.wav$/),
      seed: 7,
    });
    await page.page.goto(new URL('/clips/00000000-0000-4000-8000-000000000000', server.url).href);
    await page.page.getByRole('alert').getByText('The clip that this address names is not here any more.').waitFor();
  });

  test('a key that the server does not take is refused where it is entered', async () => {
    await using keyed = await startTestServer({ maker, settings: { SOUNDSTAGE_AUTH: 'keys' } });
    await using page = await PlaygroundPage.open(browser, keyed.url);
    const dialog = page.page.getByRole('dialog');
    await dialog.waitFor();
    expect(await dialog.getByRole('alert').count()).toBe(0);
    await dialog.getByLabel('API key').fill('00000000-0000-4000-8000-000000000000:wrong');
    await dialog.getByRole('button', { name: 'Use this key' }).click();
    await dialog.getByRole('alert').getByText('The server does not take this key').waitFor();
    expect(await page.seriousFindings()).toEqual([]);
  });
});
