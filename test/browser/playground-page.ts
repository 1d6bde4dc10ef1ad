import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import axe, { type AxeResults } from 'axe-core';
import { type Browser, type BrowserContextOptions, chromium, type Locator, type Page } from 'playwright-core';
import { expect } from 'vitest';
import { smallClip } from '../support/endpoint.ts';

/** Milliseconds for anything to appear; a busy machine takes its time. */
export const patience = 100_000;

const screenshots = join(import.meta.dirname, 'screenshots');

/** What takes the least time; the rest is typed in by the tests. */
export const quickForm = {
  video_size: { width: 64, height: 64 },
  use_multiscale: false,
  match_audio_length: false,
  num_frames: smallClip.num_frames,
  enable_prompt_expansion: false,
  enable_safety_checker: false,
  video_write_mode: 'fast',
};

const foldedGroups = ['Pictures', 'Motion', 'LoRAs', 'Output', 'More'];

/** A file as somebody has it who uses the page. */
export interface PageFile {
  readonly name: string;
  readonly mimeType: string;
  readonly buffer: Buffer;
}

type OpenOptions = BrowserContextOptions & {
  /** What the form says at first. */
  readonly form?: Readonly<Record<string, unknown>>;
  /** Whether groups that begin folded stay so. */
  readonly isFolded?: boolean;
  /** Comes between the page and the server from the first request on. */
  readonly routes?: (page: Page) => Promise<void>;
};

export function launchBrowser(executablePath: string, flags: readonly string[] = []): Promise<Browser> {
  return chromium.launch({
    executablePath,
    args: [
      ...(process.getuid?.() === 0 ? ['--no-sandbox'] : []),
      '--use-fake-ui-for-media-stream',
      '--use-fake-device-for-media-stream',
      '--autoplay-policy=no-user-gesture-required',
      '--disable-dev-shm-usage',
      ...flags,
    ],
  });
}

/** The playground in a browser window of its own, with everything it asked for and complained about. */
export class PlaygroundPage implements AsyncDisposable {
  readonly page: Page;
  /** Hosts that were asked for anything. */
  readonly hosts = new Set<string>();
  /** Errors of scripts and violations of the page's policy. */
  readonly errors: string[] = [];

  private constructor(page: Page) {
    this.page = page;
    page.on('request', (request) => {
      const { protocol, host } = new URL(request.url());
      if (protocol.startsWith('http')) this.hosts.add(host);
    });
    page.on('pageerror', (error) => this.errors.push(error.message));
    page.on('console', (message) => {
      if (/Content Security Policy/i.test(message.text())) this.errors.push(message.text());
    });
  }

  static async open(browser: Browser, url: string, options: OpenOptions = {}): Promise<PlaygroundPage> {
    const opened = await PlaygroundPage.visit(browser, url, options);
    await opened.field('prompt').waitFor();
    return opened;
  }

  /** The same, without waiting for what the server is asked. */
  static async visit(browser: Browser, url: string, options: OpenOptions = {}): Promise<PlaygroundPage> {
    const { form = quickForm, routes, isFolded = false, ...contextOptions } = options;
    const context = await browser.newContext({
      viewport: { width: 1360, height: 900 },
      reducedMotion: 'reduce',
      ...contextOptions,
    });
    context.setDefaultTimeout(patience);
    const stored = JSON.stringify(JSON.stringify(form));
    await context.addInitScript(`localStorage["soundstage.form"] ??= ${stored}`);
    const groups = JSON.stringify(JSON.stringify(Object.fromEntries(foldedGroups.map((title) => [title, !isFolded]))));
    await context.addInitScript(`localStorage["soundstage.groups"] ??= ${groups}`);
    const opened = new PlaygroundPage(await context.newPage());
    await routes?.(opened.page);
    await opened.page.goto(url);
    return opened;
  }

  field(name: string): Locator {
    return this.page.locator(`#field-${name}`);
  }

  button(name: string | RegExp): Locator {
    return this.page.getByRole('button', { name });
  }

  async upload(name: string, buffer: Buffer): Promise<void> {
    await this.pick('audio_url', { name, mimeType: 'audio/wav', buffer });
    await this.sent();
  }

  pick(field: string, file: PageFile): Promise<void> {
    return this.field(field).locator('input[type=file]').setInputFiles(file);
  }

  /** Waits until the recording is on the server. */
  async sent(): Promise<void> {
    await expect.poll(async () => (await this.form()).audio_url, { timeout: patience }).toEqual(expect.any(String));
  }

  async form(): Promise<Record<string, unknown>> {
    return JSON.parse(await this.page.evaluate('localStorage.getItem("soundstage.form")'));
  }

  /** Drops or pastes a file where the selector says. */
  async give(how: 'drop' | 'paste', selector: string, { name, mimeType, buffer }: PageFile): Promise<void> {
    const details = JSON.stringify({ how, selector, name, mimeType, bytes: buffer.toString('base64') });
    await this.page.evaluate(`{
      const { how, selector, name, mimeType, bytes } = ${details};
      const files = new DataTransfer();
      files.items.add(new File([Uint8Array.from(atob(bytes), (byte) => byte.charCodeAt(0))], name, { type: mimeType }));
      const options = { bubbles: true, cancelable: true };
      document.querySelector(selector).dispatchEvent(how === 'drop'
        ? new DragEvent('drop', { ...options, dataTransfer: files })
        : new ClipboardEvent('paste', { ...options, clipboardData: files }));
    }`);
  }

  /**
   * The input that the page sends when it is to make the clip; the server is not bothered with it. `meanwhile` comes
   * between the click and the wait.
   */
  async sentInput(meanwhile: () => Promise<void> = async () => {}): Promise<Record<string, unknown>> {
    const sent = Promise.withResolvers<Record<string, unknown>>();
    const isSubmission = ({ pathname }: URL): boolean => pathname === '/fal/proxy';
    await this.page.route(isSubmission, async (route, request) => {
      const target = new URL((await request.headerValue('x-fal-target-url')) ?? '');
      if (request.method() !== 'POST' || target.host !== 'queue.fal.run') return await route.fallback();
      sent.resolve(request.postDataJSON());
      await route.fulfill({ status: 422, json: { detail: 'Looked at, not run' } });
    });
    await this.run();
    await meanwhile();
    const input = await sent.promise;
    await this.page.getByText('Looked at, not run').waitFor();
    await this.page.unroute(isSubmission);
    return input;
  }

  async prompt(text: string): Promise<void> {
    await this.field('prompt').locator('textarea').fill(text);
  }

  run(): Promise<void> {
    return this.button('Make the clip').click();
  }

  async result(): Promise<Locator> {
    const result = this.page.getByRole('region', { name: 'Result' });
    await result.getByRole('link', { name: 'Download' }).waitFor();
    return result;
  }

  /** A fact about the clip that is shown, e.g. `Seed`. */
  async fact(name: string): Promise<string> {
    const row = (await this.result())
      .locator('.facts > div')
      .filter({ has: this.page.getByText(name, { exact: true }) });
    return (await row.locator('dd').textContent()) ?? '';
  }

  /** Findings of the accessibility scan that keep somebody from using the page. */
  async seriousFindings(): Promise<readonly string[]> {
    // The policy of the page lets no script in; what the debugger evaluates is no script of the page.
    await this.page.evaluate(axe.source);
    const { violations } = await this.page.evaluate<AxeResults>('axe.run()');
    return violations
      .filter(({ impact }) => impact === 'serious' || impact === 'critical')
      .map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`);
  }

  async screenshot(name: string): Promise<void> {
    await mkdir(screenshots, { recursive: true });
    await this.page.screenshot({ path: join(screenshots, `${name}.png`) });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.page.context().close();
  }
}
