import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, expect, test } from 'vitest';
import { type Language, snippet, uploadingSnippet } from '../../src/contract/documents/snippets.ts';
import { ControlledClipMaker } from '../sdk/controlled-clip-maker.ts';
import { endpointId, recording, smallClip } from '../support/endpoint.ts';
import { expectPlayable } from '../support/media/playable.ts';
import { isInstalled } from '../support/programs/installed.ts';
import { pythonWith } from '../support/programs/python.ts';
import { startTestServer } from '../support/server.ts';

const server = await startTestServer({ maker: new ControlledClipMaker() });
afterAll(() => server[Symbol.asyncDispose]());
const python = await pythonWith('fal-client>=1,<2');
const run = promisify(execFile);
const input = {
  ...smallClip,
  prompt: `It's "true" that 'null' \\ costs $5 — ünïcode`,
  audio_url: 'https://example.com/a.wav',
  seed: 3,
};

function program(language: Language): string {
  return snippet(language, input, { server: `${server.url}/`, endpoint: endpointId, isKeyRequired: false });
}

/** What the newest request was sent with. */
async function received(): Promise<unknown> {
  const { items } = await server.requests.list({
    endpoints: [endpointId],
    limit: 1,
  });
  return items[0]?.input;
}

test.skipIf(!isInstalled('curl'))('the cURL command of the page runs as it is', async () => {
  const { stdout } = await run('sh', ['-c', program('cURL')]);
  await expectPlayable(JSON.parse(stdout));
  expect(await received()).toEqual(input);
});

test.skipIf(python === undefined)('the Python program of the page runs as it is', async () => {
  const stdout = (await python?.run(program('Python'))) ?? '';
  expect(stdout.trim().split('\n').at(-1)).toMatch(/^http.*\.mp4$/);
  expect(await received()).toEqual(input);
});

test('the documented Python way is that of the page, upload included', async () => {
  const documentation = await readFile(join(import.meta.dirname, '../../docs/api.md'), 'utf8');
  const target = { server: 'http://127.0.0.1:8000/', endpoint: endpointId, isKeyRequired: false };
  const addresses = snippet('Python', input, target).match(/^(?:client\.|import ).*$/gm) ?? [];
  expect(addresses).toHaveLength(7);
  const [block] = /```py\n[^`]*fal_client\.client[^`]*```/.exec(documentation) ?? [];
  for (const line of [...addresses, '"audio_url": fal.upload_file("examples/hello.wav")'])
    expect(block).toContain(line);
});

test('the JavaScript program of the page runs as it is', async () => {
  const folder = await mkdtemp(join(import.meta.dirname, '../../node_modules/.cache/snippet-'));
  try {
    await writeFile(join(folder, 'program.mjs'), program('JavaScript'));
    const { stdout } = await run(process.execPath, [join(folder, 'program.mjs')]);
    expect(stdout.trim().split('\n').at(-1)).toMatch(/^http.*\.mp4$/);
    expect(await received()).toEqual(input);
  } finally {
    await rm(folder, { recursive: true });
  }
});

const languages = [
  ['cURL', isInstalled('curl'), 'sh', 'program.sh'],
  ['Python', python !== undefined, python?.executable ?? '', 'program.py'],
  ['JavaScript', true, process.execPath, 'program.mjs'],
] as const;
for (const [language, isThere, command, name] of languages) {
  test.skipIf(!isThere)(`the ${language} program of the API page uploads a recording and runs as it is`, async () => {
    const folder = await mkdtemp(join(import.meta.dirname, '../../node_modules/.cache/snippet-'));
    try {
      const file = { field: 'audio_url', name: 'recording.wav', contentType: 'audio/wav' };
      const target = { server: `${server.url}/`, endpoint: endpointId, isKeyRequired: true };
      await writeFile(join(folder, file.name), await recording());
      await writeFile(join(folder, name), uploadingSnippet(language, file, input, target));
      const env = { ...process.env, FAL_KEY: 'local:local' };
      await run(command, [name], { cwd: folder, env });
      const { audio_url: uploaded, ...others } = (await received()) as typeof input;
      expect({ ...others, audio_url: input.audio_url }).toEqual(input);
      expect(Buffer.from(await (await fetch(uploaded)).arrayBuffer())).toEqual(await recording());
    } finally {
      await rm(folder, { recursive: true });
    }
  });
}

test('the JSON of the page is the request', () => {
  expect(JSON.parse(program('JSON'))).toEqual(input);
});
