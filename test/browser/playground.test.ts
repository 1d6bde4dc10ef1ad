import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Route } from 'playwright-core';
import sharp from 'sharp';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { putEmptyDatabase } from '../support/databases/databases.ts';
import { endpointId, plainEndpointId, recording, smallClip } from '../support/endpoint.ts';
import { freePort, Spawned } from '../support/programs/spawned.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { findChromium } from './chromium.ts';
import { launchBrowser, type PageFile, PlaygroundPage, patience } from './playground-page.ts';

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
    server = await startTestServer({ maker: 'pipeline', settings: { SOUNDSTAGE_SHOW_PRICES: '1' } });
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
    expect(await comparison.locator('tbody tr').allTextContents()).toEqual([
      'What should be seenA woman speaks to the cameraA dog barks',
    ]);
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

  test('the clip is made from the sound that is shown, whatever way it came in', async () => {
    const page = await open();
    await page.prompt('A woman speaks');
    const shown = page.field('audio_url').locator('.name');
    /** Waits until the page shows this sound and nothing else, and compares it with what is sent. */
    const expectSent = async (file: PageFile): Promise<void> => {
      await expect.poll(() => shown.allTextContents(), { timeout: patience }).toEqual([file.name]);
      expect(await bytesOf(String((await page.sentInput()).audio_url))).toEqual(file.buffer);
    };

    const [first, second, third, fourth] = await Promise.all([sound(0.5), sound(0.8), sound(1.1), sound(1.4)]);
    await page.pick('audio_url', first);
    await expectSent(first);
    await page.pick('audio_url', second);
    await expectSent(second);
    await page.give('drop', '#field-audio_url .drop', third);
    await expectSent(third);
    await page.give('paste', 'body', fourth);
    await expectSent(fourth);

    // Of some formats the browser does not tell the type.
    await page.give('drop', 'h1', { ...second, mimeType: '' });
    await expectSent(second);
    await page.pick('audio_url', fourth);
    await expectSent(fourth);

    // A stretch of it, then all of it again, then another one in its place.
    const end = page.page.getByLabel('End of what is used');
    await end.press('Home');
    const { audio_url: cut } = await page.sentInput();
    expect(await page.field('audio_url').locator('.amount').textContent()).toBe('0.20 s');
    expect((await bytesOf(String(cut))).readUInt32LE(40)).toBe(0.2 * 48_000 * 2);
    await end.press('End');
    await expectSent(fourth);
    await end.press('Home');
    await page.pick('audio_url', first);
    await expectSent(first);

    await page.page.getByRole('button', { name: 'Record', exact: true }).click();
    await page.page.getByRole('timer').waitFor();
    await page.run();
    expect(await page.field('audio_url').getByRole('alert').textContent()).toBe('Stop the recording first.');
    await page.button('Stop').click();
    await expect.poll(() => shown.allTextContents(), { timeout: patience }).toEqual(['recording.webm']);
    expect((await page.sentInput()).audio_url).toMatch(/recording\.webm$/);
    await page.page.getByRole('button', { name: 'Record', exact: true }).click();
    await page.page.getByRole('timer').waitFor();
    await page.give('paste', 'body', second);
    await expectSent(second);

    await page.button('Remove the recording').click();
    await page.run();
    expect(await page.field('audio_url').getByRole('alert').textContent()).toContain('Add a recording');
    const address = page.page.getByLabel('URL of the recording');
    for (const url of ['https://example.com/a.wav', String(cut)]) {
      await address.fill(url);
      expect((await page.sentInput()).audio_url).toBe(url);
      expect(await address.inputValue()).toBe(url);
    }
    await page.page.evaluate(
      `navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException('', 'NotAllowedError'))`,
    );
    await page.page.getByRole('button', { name: 'Record', exact: true }).click();
    const refusal = page.page.getByText('The browser does not let this page use the microphone');
    await refusal.waitFor();
    await page.pick('audio_url', first);
    await expectSent(first);
    expect(await refusal.count()).toBe(0);
  });

  test('uploads that overtake one another: what is shown is what is sent', async () => {
    const page = await open();
    await page.prompt('A woman speaks');
    const [first, second] = await Promise.all([sound(0.5), sound(0.8)]);
    const [red, blue] = await Promise.all([picture('red'), picture('blue')]);
    const slow: (() => void)[] = [];
    await page.page.route('**/fal/proxy', async (route) => {
      const isSlow = [first, red].some(({ name }) => route.request().postData()?.includes(name));
      if (isSlow) await new Promise<void>((resolve) => slow.push(resolve));
      await route.continue();
    });
    await page.pick('audio_url', first);
    await page.pick('image_url', red);
    await page.pick('end_image_url', blue);
    await expect.poll(() => slow.length, { timeout: patience }).toBe(2);
    await page.pick('audio_url', second);
    await page.pick('image_url', blue);
    await page.page.getByText('More about pictures').click();
    await page.field('end_image_url').getByRole('button', { name: 'Remove' }).click();
    await expect.poll(async () => (await page.form()).image_url, { timeout: patience }).toMatch(/blue\.png$/);
    await page.sent();
    // One that is taken away while it is on its way is not waited for.
    await page.pick('image_url', red);
    await expect.poll(() => slow.length, { timeout: patience }).toBe(3);
    const without = await page.sentInput(() => page.field('image_url').getByRole('button', { name: 'Remove' }).click());
    expect(without).not.toHaveProperty('image_url');
    await page.pick('image_url', blue);
    const late = Promise.all(
      [first, red].map(({ buffer }) =>
        page.page.waitForResponse((reply) => reply.request().postDataBuffer()?.equals(buffer) === true),
      ),
    );
    for (const go of slow) go();
    await late;
    const sent = await page.sentInput();
    expect(await bytesOf(String(sent.audio_url))).toEqual(second.buffer);
    expect(await bytesOf(String(sent.image_url))).toEqual(blue.buffer);
    expect(sent).not.toHaveProperty('end_image_url');

    // One that cannot be sent is shown with the reason, and no clip is made without it.
    const noUpload = async (route: Route): Promise<void> =>
      route.request().postData()?.includes('green.png') ? await route.abort() : await route.fallback();
    await page.page.route('**/fal/proxy', noUpload);
    await page.give('drop', '#field-image_url .drop', await picture('green'));
    await page.run();
    const alert = page.field('image_url').getByRole('alert');
    await alert.getByText(/^The picture could not be sent/).waitFor();
    expect(await page.page.getByText('Looked at, not run').count()).toBe(1);
    await page.page.unroute('**/fal/proxy', noUpload);
    expect((await page.sentInput()).image_url).toMatch(/green\.png$/);
    await page.page.route('**/fal/proxy', (route) => route.abort());
    await page.run();
    await page.page.getByText(/^The server did not answer/).waitFor();
  });

  test('a clip that a program sent, opened from the history: what is shown is what is sent', async () => {
    const page = await open();
    await page.pick('audio_url', await sound(0.5));
    await page.pick('image_url', await picture('red'));
    await expect.poll(async () => Object.keys(await page.form()), { timeout: patience }).toContain('image_url');
    await page.sent();
    const { audio_url, image_url } = await page.form();
    const input = {
      ...smallClip,
      prompt: 'Sent by a program',
      video_size: { width: '64', height: 64 },
      audio_url,
      image_url,
      loras: [{ path: '' }],
      num_frames: '9',
      use_multiscale: 'false',
      camera_lora_scale: 0.5,
      seed: 11,
    };
    const reply = await fetch(`${server.url}/run/${endpointId}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(input),
    });
    expect(reply.status).toBe(200);
    await page.page.reload();
    // What was to be made of the form before it was filled anew, is not made of what it says then.
    const held = Promise.withResolvers<void>();
    await page.page.route('**/fal/proxy', async (route) => {
      await held.promise;
      await route.continue();
    });
    const late = await sound(0.9);
    await page.pick('audio_url', late);
    await page.run();
    await page.button('Show: Sent by a program').click();
    await page.button('Change one thing').click();
    const arrival = page.page.waitForResponse(
      (reply) => reply.request().postDataBuffer()?.equals(late.buffer) === true,
    );
    held.resolve();
    await arrival;
    expect(await page.page.getByRole('region', { name: 'Run' }).count()).toBe(0);
    await expect.poll(() => page.page.locator('.name').allTextContents()).toEqual(['sound-0.5.wav', 'red.png']);
    expect(await page.page.getByLabel('Two stages').isChecked()).toBe(false);
    await page.page.getByLabel('LoRA 1: URL or repository').fill('owner/repository');
    await page.page.getByLabel('LoRA 1: file in the repository').fill('a.safetensors');
    await page.page.getByLabel('LoRA 1: URL or repository').fill('https://example.com/b.safetensors');
    expect(await page.page.getByLabel('LoRA 1: file in the repository').inputValue()).toBe('a.safetensors');
    const { camera_lora_scale: _, ...others } = input;
    expect(await page.sentInput()).toEqual({
      ...others,
      loras: [{ path: 'https://example.com/b.safetensors', scale: 1, weight_name: 'a.safetensors' }],
      num_frames: 9,
      use_multiscale: false,
      video_size: { width: 64, height: 64 },
    });

    await page.pick('audio_url', await sound(0.8));
    await page.field('image_url').getByRole('button', { name: 'Remove' }).click();
    const sent = await page.sentInput();
    expect(sent.audio_url).toMatch(/sound-0\.8\.wav$/);
    expect(sent).not.toHaveProperty('image_url');
    expect(sent.seed).toBe(11);
    await page.give('drop', 'h1', { name: 'photo.HEIC', mimeType: '', buffer: Buffer.from('a picture') });
    expect((await page.sentInput()).image_url).toMatch(/photo\.HEIC$/);
  });

  test('a run goes on over a restart of the server, and over a reload while there is none', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'soundstage-restart-'));
    await using stack = new AsyncDisposableStack();
    stack.defer(() => rm(folder, { recursive: true, force: true }));
    await putEmptyDatabase(folder);
    const port = await freePort();
    const url = `http://127.0.0.1:${port}`;
    const start = async (milliseconds: number): Promise<Spawned> => {
      const environment = {
        SOUNDSTAGE_DATA: folder,
        SOUNDSTAGE_PORT: String(port),
        SOUNDSTAGE_ALLOW_PRIVATE_HOSTS: '127.0.0.1',
        CLIP_MILLISECONDS: String(milliseconds),
      };
      const started = stack.use(new Spawned({ program: 'server', environment }));
      await started.ready();
      return started;
    };
    const first = await start(60_000);
    const page = stack.use(await PlaygroundPage.open(browser, url));
    const reloaded = await page.page.context().newPage();
    const run = page.page.getByRole('region', { name: 'Run' });
    const runReloaded = reloaded.getByRole('region', { name: 'Run' });
    await page.upload('tone.wav', await recording());
    await page.prompt('A woman speaks');
    await page.run();
    await run.locator('pre').getByText('denoising 1/2').waitFor({ state: 'attached' });
    await reloaded.goto(url);
    await runReloaded.locator('pre').getByText('denoising 1/2').waitFor({ state: 'attached' });

    await first.kill('SIGTERM');
    for (const shown of [run, runReloaded]) {
      await shown.getByText('Waiting for the server…').waitFor();
      await shown.getByText(/^The server cannot be reached/).waitFor();
    }
    expect(await page.button('Making a clip…').isDisabled()).toBe(true);
    expect(await reloaded.reload().catch(() => 'unreachable')).toBe('unreachable');

    await start(6000);
    await reloaded.route(/\/input-schema\?/, (route) => route.abort(), { times: 1 });
    await reloaded.goto(url);
    await runReloaded.waitFor();
    await reloaded.getByRole('alert').getByText('The server cannot be reached').waitFor();
    const video = (await page.result()).locator('video');
    expect((await bytesOf(await video.getAttribute('src'))).toString()).toBe('clip of A woman speaks');
    await reloaded.getByRole('region', { name: 'Result' }).waitFor();
    expect(await reloaded.locator('#field-prompt textarea').inputValue()).toBe('A woman speaks');
    const status = `${url}/queue/fal-ai/ltx-2-19b/requests/${await page.fact('Request')}/status?logs=1`;
    const { logs } = (await (await fetch(status)).json()) as { logs: readonly { readonly message: string }[] };
    const steps = logs.map(({ message }) => message).filter((message) => message.startsWith('denoising'));
    expect(steps).toEqual(['denoising 1/2', 'denoising 1/2', 'denoising 2/2']);
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
    expect(await failure.textContent()).toMatch(/^LoRA 2 /);
    await page.page
      .locator('.attempt')
      .first()
      .getByText(/^LoRA 2 /)
      .waitFor();
    await failure.getByRole('button', { name: 'LoRA 2' }).click();
    const path = page.page.getByLabel('LoRA 2: URL or repository');
    expect(await path.evaluate((element) => element === element.ownerDocument.activeElement)).toBe(true);
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
    // The server is to hear of it even where it cannot be reached at that moment.
    await page.page.context().setOffline(true);
    await run.getByRole('button', { name: 'Cancel' }).click();
    await run.getByText(/^The server cannot be reached/).waitFor();
    await page.page.context().setOffline(false);
    await run.getByText(/^Cancelled/).waitFor();
    await page.screenshot('7-cancelled');
    await page.page.reload();
    await page.field('prompt').waitFor();
    expect(await run.count()).toBe(0);
  });

  test('a run that the server does not know any more is said to be gone, and forgotten', async () => {
    const page = await open();
    const run = page.page.getByRole('region', { name: 'Run' });
    const stored = JSON.stringify({
      id: randomUUID(),
      endpoint: endpointId,
      input: {},
      sentAt: Date.now(),
      isCancelled: false,
    });
    await page.page.evaluate(`localStorage['soundstage.run'] = ${JSON.stringify(stored)}`);
    await page.page.reload();
    await run.getByText('The server does not know this request any more.').waitFor();
    await page.page.reload();
    await page.field('prompt').waitFor();
    expect(await run.count()).toBe(0);
  });

  test('what the schema does not allow is not sent, and the field says why', async () => {
    const page = await open();
    await page.run();
    expect(await page.field('audio_url').getByRole('alert').textContent()).toContain('Add a recording');
    expect(await page.field('prompt').getByRole('alert').textContent()).toContain('Say what should be seen');
    await page.field('seed').locator('input').pressSequentially('-');
    expect(await page.field('seed').getByRole('alert').textContent()).toBe('Enter a number.');
    await page.field('seed').locator('input').fill('-1');
    expect(await page.field('seed').getByRole('alert').textContent()).toBe('Enter a number from 0 to 4294967295.');
    expect(await page.page.getByRole('region', { name: 'Run' }).count()).toBe(0);
  });

  test.each(['light', 'dark'] as const)('on a phone, %s', async (colorScheme) => {
    const page = await open({ viewport: { width: 360, height: 740 }, colorScheme, isMobile: true, hasTouch: true });
    for (const summary of await page.page.locator('.more > summary, .code > summary').all()) await summary.click();
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
    expect(await figure.locator('.amount').textContent()).toBe('300 × 200 → 512 × 384');
    await page.page.getByLabel('Landscape 16:9').check();
    expect(await figure.locator('.amount').textContent()).toBe('300 × 200 → 1024 × 576');
    await page.page.getByLabel('As the picture').check();
    expect(await figure.locator('.amount').textContent()).toBe('300 × 200 → 300 × 200');
    expect(await page.page.locator('.estimate').textContent()).toContain('≈ $0.001');
    await figure.getByRole('button', { name: 'Remove' }).click();
    expect(await page.form()).not.toHaveProperty('image_url');
  });

  test('another endpoint: the form keeps what both have, and code, price and request follow', async () => {
    const page = await open();
    await page.upload('tone.wav', await recording());
    await page.prompt('A woman speaks');
    await page.page.getByLabel('nano style neon').check();
    await page.page.getByText('Use it from code').click();
    const code = page.page.locator('.code pre');
    expect(await code.textContent()).toContain(`/run/${endpointId} `);
    const choice = page.page.getByRole('combobox', { name: 'Endpoint' });
    expect(await choice.inputValue()).toBe(endpointId);
    await choice.selectOption('Audio to Video');
    await expect.poll(() => page.field('loras').count()).toBe(0);
    expect(await page.page.getByRole('heading', { name: 'LoRAs' }).count()).toBe(0);
    expect(await page.field('prompt').locator('textarea').inputValue()).toBe('A woman speaks');
    expect(await code.textContent()).toContain(`/run/${plainEndpointId} `);
    expect(await code.textContent()).not.toContain('loras');
    expect(await page.page.getByRole('link', { name: 'API', exact: true }).getAttribute('href')).toContain(
      plainEndpointId,
    );
    expect(await page.page.locator('.estimate').textContent()).toContain('≈ $0.0008');
    await page.run();
    expect(await page.fact('Endpoint')).toBe(plainEndpointId);
    expect(await page.fact('Cost')).toBe('$0.0008 for 1 megapixels');
    // Its address leads back to it, and a clip to the endpoint it was made by.
    await page.page.reload();
    await page.field('prompt').waitFor();
    expect(await choice.inputValue()).toBe(plainEndpointId);
    await choice.selectOption('Audio to Video with LoRA');
    expect(await page.page.getByLabel('nano style neon').isChecked()).toBe(true);
    await page.page
      .getByRole('button', { name: /^Show: A woman speaks/ })
      .first()
      .click();
    await page.button('Change one thing').click();
    expect(await choice.inputValue()).toBe(plainEndpointId);
    expect(await page.seriousFindings()).toEqual([]);
    await page.screenshot('9-endpoint');
  });

  test('every field of the contract has a control', async () => {
    const page = await open();
    const schema = (await (await fetch(new URL('/input-schema', server.url))).json()) as { properties: object };
    await page.page.getByLabel('Jib up').check();
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

async function sound(seconds: number): Promise<PageFile> {
  return { name: `sound-${seconds}.wav`, mimeType: 'audio/wav', buffer: await recording(seconds) };
}

async function picture(background: string): Promise<PageFile> {
  const drawn = sharp({ create: { width: 60, height: 40, channels: 3, background } });
  return { name: `${background}.png`, mimeType: 'image/png', buffer: await drawn.png().toBuffer() };
}

async function bytesOf(url: string | null): Promise<Buffer> {
  return Buffer.from(await (await fetch(url ?? '')).arrayBuffer());
}
