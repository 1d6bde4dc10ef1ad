import axe, { type AxeResults } from 'axe-core';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { endpointId, plainEndpointId } from '../support/endpoint.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { findChromium } from './chromium.ts';
import { launchBrowser, PlaygroundPage, patience } from './playground-page.ts';

const chromiumPath = findChromium();

describe.skipIf(chromiumPath === undefined)(
  'the pages of endpoints and documents, in a browser',
  { timeout: 300_000 },
  () => {
    let server: TestServer;
    let browser: Browser;
    const troubles: string[] = [];

    beforeAll(async () => {
      server = await startTestServer({});
      browser = await launchBrowser(chromiumPath ?? '');
    });
    afterAll(async () => {
      await browser?.close();
      await server?.[Symbol.asyncDispose]();
    });

    /** A page to read; what it asks of other hosts, and what its policy forbids it, is noted. */
    async function open(path: string, key?: string): Promise<Page> {
      const context = await browser.newContext({ viewport: { width: 1360, height: 900 } });
      context.setDefaultTimeout(patience);
      if (key !== undefined) await context.addInitScript(`localStorage["soundstage.key"] = ${JSON.stringify(key)}`);
      const page = await context.newPage();
      page.on('request', (request) => {
        if (new URL(request.url()).origin !== server.url) troubles.push(request.url());
      });
      page.on('pageerror', (error) => troubles.push(error.message));
      page.on('console', (message) => {
        if (message.type() === 'error') troubles.push(message.text());
      });
      await page.goto(new URL(path, server.url).href);
      return page;
    }

    async function findings(page: Page): Promise<readonly string[]> {
      await page.evaluate(axe.source);
      const { violations } = await page.evaluate<AxeResults>('axe.run()');
      return violations
        .filter(({ impact }) => impact === 'serious' || impact === 'critical')
        .map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`);
    }

    test('an endpoint’s address is the playground with that endpoint, and choosing another changes the address', async () => {
      await using opened = await PlaygroundPage.open(browser, `${server.url}/models/${plainEndpointId}`);
      const { page } = opened;
      const choice = page.getByRole('combobox', { name: 'Endpoint', exact: true });
      expect(await choice.inputValue()).toBe(plainEndpointId);
      const api = page.getByRole('link', { name: 'API', exact: true });
      expect(await api.getAttribute('href')).toBe(`${server.url}/models/${plainEndpointId}/api`);
      await choice.selectOption(endpointId);
      expect(page.url()).toBe(`${server.url}/models/${endpointId}`);
      await expect.poll(() => api.getAttribute('href')).toBe(`${server.url}/models/${endpointId}/api`);
      await page.reload();
      await opened.field('prompt').waitFor();
      expect(await choice.inputValue()).toBe(endpointId);
      expect(await opened.seriousFindings()).toEqual([]);
      expect(opened.errors).toEqual([]);
    });

    test('from the playground to the API page and to the documents', async () => {
      await using opened = await PlaygroundPage.open(browser, `${server.url}/`);
      await opened.page.getByRole('link', { name: 'API', exact: true }).click();
      await opened.page
        .getByRole('heading', { level: 1, name: 'LTX-2 19B Distilled: Audio to Video with LoRA' })
        .waitFor();
      await opened.page.getByRole('link', { name: 'Documentation' }).click();
      await opened.page.getByRole('heading', { level: 1, name: 'Documentation' }).waitFor();
      expect(opened.errors).toEqual([]);
    });

    test('the API page: found by anchors, with the visitor’s own key only where the visitor has one', async () => {
      const page = await open(`/models/${endpointId}/api#input-num_frames`);
      await page.locator('#input-num_frames').waitFor();
      expect(await findings(page)).toEqual([]);
      expect(await page.locator('.program pre').count()).toBe(3);
      expect(await page.getByRole('button', { name: 'Copy: Program in cURL' }).count()).toBe(1);
      await page.context().close();

      await using keyed = await startTestServer({ settings: { SOUNDSTAGE_AUTH: 'keys' } });
      const address = `${keyed.url}/models/${endpointId}/api`;
      const context = await browser.newContext();
      const visitor = await context.newPage();
      await visitor.goto(address);
      const programs = (): Promise<string[]> => visitor.locator('.program pre').allTextContents();
      expect((await programs())[0]).toContain('Authorization: Key $FAL_KEY');
      await visitor.evaluate('localStorage["soundstage.key"] = "an-id:a-secret"');
      await visitor.reload();
      const [curl, javaScript, python] = await programs();
      expect(curl).toContain('Authorization: Key an-id:a-secret');
      for (const program of [javaScript, python]) expect(program).toContain('"an-id:a-secret"');
      await visitor.getByRole('checkbox', { name: /with your key/ }).uncheck();
      expect((await programs())[0]).toContain('Authorization: Key $FAL_KEY');
      expect(await (await fetch(address)).text()).not.toContain('a-secret');
      await context.close();
    });

    test.each([
      '/docs',
      '/docs/readme',
      '/docs/api',
      '/docs/nano',
      '/docs/configuration',
      '/docs?q=webhook',
      '/docs/nothing',
    ])('%s has no serious finding', async (path) => {
      const page = await open(path);
      expect(await findings(page)).toEqual([]);
      await page.context().close();
    });

    test('a search leads to the section', async () => {
      const page = await open('/docs');
      await page.getByRole('searchbox').fill('temporary tokens');
      await page.getByRole('searchbox').press('Enter');
      await page
        .getByRole('link', { name: /Temporary tokens/ })
        .first()
        .click();
      await page.locator('#temporary-tokens').waitFor();
      expect(page.url()).toBe(`${server.url}/docs/api#temporary-tokens`);
      await page.context().close();
    });

    test('nothing was asked of another host, and no policy was broken', () => {
      expect(troubles.filter((text) => !text.includes('404'))).toEqual([]);
    });
  },
);
