import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdtemp, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, expect, type TestContext, test } from 'vitest';
import { type Block, blocksOf } from '../docs/blocks.ts';
import { readDocuments, root } from '../docs/documents.ts';
import { endpointId } from '../support/endpoint.ts';
import { mavenJars, nodePackages, rustWith } from '../support/programs/client-packages.ts';
import { pythonWith } from '../support/programs/python.ts';
import { startTestServer } from '../support/server.ts';
import { ControlledClipMaker } from './controlled-clip-maker.ts';

// The programs are those of the documentation, as they stand there.
const run = promisify(execFile);
const blocks = (await readDocuments()).flatMap(blocksOf);
const timeLimit = { timeout: 300_000 };
/** Where time is short, clients that take long to install or to build are left out. */
const isInHaste = process.env.SOUNDSTAGE_FEW_CLIENTS !== undefined;
if (isInHaste)
  process.stdout.write('not run: clients in Python, Java and Rust, because SOUNDSTAGE_FEW_CLIENTS is set\n');

await using opened = new AsyncDisposableStack();
const server = opened.use(await startTestServer({ maker: new ControlledClipMaker(700) }));
/** Where the programs are run: with the recording, and for the clip. */
const folder = await mkdtemp(join(tmpdir(), 'soundstage-clients-'));
opened.defer(() => rm(folder, { recursive: true, force: true }));
await symlink(join(root, 'examples'), join(folder, 'examples'));
const recording = await readFile(join(root, 'examples/hello.wav'));
const stack = opened.move();
afterAll(() => stack.disposeAsync());

/** Whatever goes elsewhere than to this machine fails. */
const alone = { HTTPS_PROXY: 'http://127.0.0.1:1', NO_PROXY: '127.0.0.1,localhost' };

// Neither follows `when` in `proxyUrl`, and both have rest.alpha.fal.ai built in.
test('@fal-ai/client 1.2 by requestMiddleware', timeLimit, async (context) => {
  const packages = await installed(context, nodePackages('@fal-ai/client@1.2.3'));
  await expectUploaded(await runNode(packages, documented('docs/api.md', "'x-fal-target-url': request.url")));
});

test('@fal-ai/serverless-client 0.15 by requestMiddleware', timeLimit, async (context) => {
  const packages = await installed(context, nodePackages('@fal-ai/serverless-client@0.15.0'));
  const text = documented('docs/api.md', "'x-fal-target-url': request.url")
    // What was called otherwise then.
    .replace("import { fal } from '@fal-ai/client'", "import * as fal from '@fal-ai/serverless-client'")
    .replace('const { data } =', 'const data =');
  await expectUploaded(await runNode(packages, text));
});

test('Vercel AI SDK', timeLimit, async (context) => {
  const packages = await installed(context, nodePackages('ai@7', '@ai-sdk/fal@3'));
  await runNode(packages, documented('docs/clients.md', '@ai-sdk/fal'));
  await expectSavedClip();
});

test('Hugging Face in JavaScript', timeLimit, async (context) => {
  const packages = await installed(context, nodePackages('@huggingface/inference@4'));
  await runNode(packages, documented('docs/clients.md', '@huggingface/inference'));
  await expectSavedClip();
});

test.skipIf(isInHaste)('Hugging Face in Python', timeLimit, async (context) => {
  const python = await installed(context, pythonWith('huggingface_hub==2.*'));
  await python.run(documented('docs/clients.md', 'huggingface_hub'), alone, folder);
  await expectSavedClip();
});

test.skipIf(isInHaste)('LiteLLM', timeLimit, async (context) => {
  const python = await installed(context, pythonWith('litellm>=1.110'));
  await python.run(documented('docs/clients.md', 'import litellm'), alone, folder);
  await expectSavedClip();
});

test.skipIf(isInHaste)('Java, with its log entries', timeLimit, async (context) => {
  const jars = await installed(context, mavenJars(documented('docs/clients.md', '<dependency>')));
  const source = join(folder, 'Clip.java');
  await writeFile(source, documented('docs/clients.md', 'public class Clip'));
  const { stdout } = await run('java', ['-cp', join(jars, '*'), source], { cwd: folder });
  expect(stdout).toMatch(/^INFO denoising 1\/2$/m);
  await expectInput();
  await expectLink(stdout);
});

test.skipIf(isInHaste)('Rust', timeLimit, async (context) => {
  const rust = await installed(context, rustWith(documented('docs/clients.md', '[dependencies]')));
  await expectUploaded(await rust.run(join(folder, 'rust'), documented('docs/clients.md', 'fn main()'), folder));
});

/** The block of the documentation that has this in it, with the address of this server. */
function documented(document: string, part: string): string {
  const found = blocks.filter(
    (block) => block.document === document && !isInstallation(block) && block.text.includes(part),
  );
  const [block] = found;
  if (block === undefined || found.length > 1) throw new Error(`${found.length} blocks of ${document} have ${part}`);
  return block.text.replaceAll('127.0.0.1:8000', new URL(server.url).host);
}

function isInstallation({ text }: Block): boolean {
  return /^(?:npm|pip) install/.test(text);
}

async function installed<T>({ skip }: TestContext, client: Promise<T | undefined>): Promise<T> {
  return (await client) ?? skip('its packages cannot be had');
}

async function runNode(packages: string, text: string): Promise<string> {
  const file = join(packages, `${randomUUID()}.mjs`);
  await writeFile(file, text);
  try {
    const env = { PATH: process.env.PATH, NODE_USE_ENV_PROXY: '1', ...alone };
    return (await run(process.execPath, [file], { cwd: folder, env })).stdout;
  } finally {
    await rm(file);
  }
}

/** The newest request: what it was sent with, and what came of it. */
async function newest(): Promise<{
  readonly input: Record<string, unknown>;
  readonly size: number;
  readonly url: string;
}> {
  const listed = await fetch(
    `${server.url}/v1/models/requests/by-endpoint?endpoint_id=${endpointId}&limit=1&expand=payloads`,
    { headers: { authorization: 'Key local:local' } },
  );
  const { items } = (await listed.json()) as ReturnType<typeof JSON.parse>;
  const [{ json_input: input, json_output: output }] = items;
  return { input, size: output.video.file_size, url: output.video.url };
}

/** It was asked for what the program asks for, with the recording in it. */
async function expectInput(): Promise<void> {
  const { input } = await newest();
  expect(input).toMatchObject({
    prompt: 'a girl with red hair talks',
    num_frames: 9,
    match_audio_length: false,
    loras: [],
  });
  expect(input.video_size).toEqual({ width: 256, height: 256 });
  // It came as a data URI; the history has a link to what was in it.
  const sound = await fetch(String(input.audio_url));
  expect(Buffer.from(await sound.arrayBuffer()).equals(recording)).toBe(true);
}

/** The same for those that save the clip. */
async function expectSavedClip(): Promise<void> {
  await expectInput();
  const clip = join(folder, 'clip.mp4');
  expect((await stat(clip)).size).toBe((await newest()).size);
  await rm(clip);
}

/** For those that upload the recording and print the clip's address. */
async function expectUploaded(printed: string): Promise<void> {
  const { input } = await newest();
  const sound = await fetch(String(input.audio_url));
  expect(Buffer.from(await sound.arrayBuffer()).equals(recording)).toBe(true);
  await expectLink(printed);
}

async function expectLink(printed: string): Promise<void> {
  const { size, url } = await newest();
  expect(printed.trim().split('\n').at(-1)).toBe(url);
  expect((await (await fetch(url)).arrayBuffer()).byteLength).toBe(size);
}
