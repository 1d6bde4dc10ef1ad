import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { fetch as fetchThrough, ProxyAgent } from 'undici';
import { afterAll, expect, test } from 'vitest';
import { expectPlayable, type Output } from '../support/media/playable.ts';
import { isInstalled } from '../support/programs/installed.ts';
import { pythonWith } from '../support/programs/python.ts';
import { proxyVariables } from '../support/programs/python-recipes.ts';
import { startTestServer } from '../support/server.ts';
import { ControlledClipMaker } from './controlled-clip-maker.ts';

// The recording that the examples name is theirs, not ours to fetch in a test: this maker makes clips without it.
const server = await startTestServer({ maker: new ControlledClipMaker(1200) });
afterAll(() => server[Symbol.asyncDispose]());
const page = await readFile(join(import.meta.dirname, '../fixtures/endpoint/llms.txt'), 'utf8');
const python = await pythonWith('fal-client>=1,<2');
const run = promisify(execFile);
const { port } = new URL(server.url);
/** Without any change to the example: the server is the proxy to the platform's hosts. */
const environment = proxyVariables(Number(port), server.authorityPath);

test('JavaScript, as printed', async () => {
  const folder = await temporaryPackage();
  try {
    await writeFile(join(folder, 'example.mjs'), example('javascript'));
    const { stdout } = await run(process.execPath, [join(folder, 'example.mjs')], {
      env: {
        ...environment,
        NODE_USE_ENV_PROXY: '1',
        NODE_EXTRA_CA_CERTS: server.authorityPath,
        PATH: process.env.PATH,
      },
    });
    expect(stdout).toMatch(/^denoising 1\/2/);
    expect(stdout).toMatch(/prompt: 'A woman speaks to the camera'/);
    expect(stdout).toMatch(/\n[0-9a-f-]{36}\n$/);
    await expectPlayableThere(urlIn(stdout));
  } finally {
    await rm(folder, { recursive: true });
  }
});

test.skipIf(python === undefined)('Python, as printed', async () => {
  const stdout = (await python?.run(example('python'), environment)) ?? '';
  expect(stdout).toMatch(/^denoising 1\/2/);
  expect(stdout).toMatch(/'prompt': 'A woman speaks to the camera'/);
  await expectPlayableThere(urlIn(stdout));
});

const hasCurl = isInstalled('curl');

test.skipIf(!hasCurl)('cURL, as printed', async () => {
  const env = { ...environment, CURL_CA_BUNDLE: server.authorityPath, PATH: process.env.PATH };
  const { stdout } = await run('sh', ['-c', example('bash')], { env });
  const output: Output = JSON.parse(stdout);
  await expectPlayableThere(output.video.url, output);
});

test.skipIf(!hasCurl)('cURL, with only the host changed', async () => {
  const command = example('bash').replace('https://fal.run', `${server.url}/run`);
  const { stdout } = await run('sh', ['-c', command], { env: { FAL_KEY: 'local:local', PATH: process.env.PATH } });
  await expectPlayable(JSON.parse(stdout));
});

/** The last block of that language on the page: the usage example, not the installation. */
function example(language: string): string {
  const usage = page.slice(page.indexOf('## Usage Examples'));
  const blocks = [...usage.matchAll(/```(\w+)\n([\s\S]*?)```/g)].filter((block) => block[1] === language);
  const found = blocks.map((block) => block[2] ?? '').find((text) => text.includes('fal-ai/ltx-2-19b'));
  if (found === undefined) throw new Error(`the page has no example in ${language}`);
  return found;
}

function urlIn(text: string): string {
  const [, url] = /['"]?url['"]?: ['"]([^'"]+)['"]/.exec(text) ?? [];
  if (url === undefined) throw new Error(`no URL in ${text}`);
  return url;
}

/** Fetches the way the example's own program would: through the tunnel. */
async function expectPlayableThere(url: string, output?: Output): Promise<void> {
  expect(url).toMatch(/^https:\/\/v3\.fal\.media\/files\//);
  const ca = await readFile(server.authorityPath, 'utf8');
  const dispatcher = new ProxyAgent({ uri: server.url, requestTls: { ca } });
  try {
    const fetchFile = (address: string | URL | Request): Promise<Response> =>
      fetchThrough(String(address), { dispatcher }) as unknown as Promise<Response>;
    const head = await fetchFile(url);
    const size = Number(head.headers.get('content-length'));
    await head.body?.cancel();
    const whole = output ?? { video: { url, content_type: 'video/mp4', file_size: size }, seed: 1, prompt: '' };
    await expectPlayable(whole, fetchFile);
  } finally {
    await dispatcher.destroy();
  }
}

/** A folder from which the installed packages are found. */
async function temporaryPackage(): Promise<string> {
  const cache = join(import.meta.dirname, '../../node_modules/.cache');
  await mkdir(cache, { recursive: true });
  return mkdtemp(join(cache, 'soundstage-example-'));
}
