import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { recording } from '../support/endpoint.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { findChromium } from './chromium.ts';
import { launchBrowser, PlaygroundPage, patience, quickForm } from './playground-page.ts';

const chromiumPath = findChromium();

describe.skipIf(chromiumPath === undefined)('a film, in a browser', { timeout: 300_000 }, () => {
  const opened = new AsyncDisposableStack();
  let server: TestServer;
  let browser: Browser;

  beforeAll(async () => {
    server = opened.use(await startTestServer({ maker: 'pipeline' }));
    browser = await launchBrowser(chromiumPath ?? '');
    opened.defer(() => browser.close());
  });
  afterAll(() => opened.disposeAsync());

  test('is watched while it grows, stays in the history, and has one part made again', async () => {
    const address = new URL('/models/soundstage/film', server.url).href;
    const form = { ...quickForm, cut: 'every', part_seconds: 0.48 };
    await using page = await PlaygroundPage.open(browser, address, { form });
    const result = page.page.getByRole('region', { name: 'Result' });
    const parts = result.getByRole('region', { name: 'Parts' }).getByRole('listitem');
    expect(await page.button('4 seeds').count()).toBe(0);
    await page.upload('tone.wav', await recording(1.48));
    await page.prompt('0:00 A woman talks; 0:01 A green sea');
    expect(await page.page.locator('.estimate span').textContent()).toBe('64 × 64, 37 frames');
    expect(await page.seriousFindings()).toEqual([]);

    await page.button('Make the film').click();
    await page.page.getByText(/^Making part \d of 3$/).waitFor();
    await result.getByText('0:00 A woman talks; 0:01 A green sea').first().waitFor();
    expect(await parts.count()).toBe(3);
    expect(await parts.nth(1).getByLabel('What part 2 shows').inputValue()).toBe('A woman talks');
    expect(await parts.nth(2).getByLabel('What part 3 shows').inputValue()).toBe('A green sea');
    expect(await page.fact('Length')).toMatch(/^1\.48 s, 37 frames/);
    await page.screenshot('14-film');
    expect(await page.seriousFindings()).toEqual([]);
    const film = await page.fact('Request');

    await page.page.reload();
    await page.page
      .getByRole('region', { name: 'History' })
      .getByRole('button', { name: 'Show: 0:00 A woman' })
      .click();
    await parts.nth(1).getByLabel('What part 2 shows').fill('A man talks');
    await parts.nth(1).getByRole('button', { name: 'Make again' }).click();
    await expect.poll(() => page.fact('Request'), { timeout: patience }).not.toBe(film);
    expect(await parts.nth(1).getByLabel('What part 2 shows').inputValue()).toBe('A man talks');

    await page.button('Make the film').click();
    await page.page.getByText(/^Making part [23] of 3$/).waitFor();
    await page.button('Cancel').click();
    await page.page.getByText('Cancelled.').waitFor();
    const cancelled = await page.fact('Request');
    await page.page.getByRole('region', { name: 'Run' }).getByRole('button', { name: 'Go on with it' }).click();
    await expect.poll(() => page.fact('Request'), { timeout: patience }).not.toBe(cancelled);
    expect(await page.fact('Length')).toMatch(/^1\.48 s, 37 frames/);
    expect(page.errors).toEqual([]);
  });
});
