import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { randomSafetensors } from '../models/hub.test-support.ts';
import { readConfiguration } from '../shared/configuration.ts';
import { openFetcher } from './fetcher.ts';
import { serveHttp } from './http/file-server.test-support.ts';

const folder = await mkdtemp(join(tmpdir(), 'soundstage-fetcher-'));
afterAll(() => rm(folder, { recursive: true }));

const configuration = (settings: Record<string, string> = {}) =>
  readConfiguration({ SOUNDSTAGE_DATA: join(folder, 'data'), ...settings });

test("the operator's settings apply", async () => {
  const weights = randomSafetensors(2000);
  await using server = await serveHttp(({ url, method }, response) => {
    if (method === 'POST') response.writeHead(202).end();
    else if (url !== '/silent') response.end(weights);
  });
  // As an environment file with lines that end as on Windows gives them.
  const settings = { SOUNDSTAGE_ALLOW_PRIVATE_HOSTS: 'localhost, 127.0.0.0/8\r', SOUNDSTAGE_FETCH_TIMEOUT: '0.4\r' };
  await using fetcher = await openFetcher(configuration(settings));
  expect(await readFile(await fetcher.input(server.url, { folder, field: 'audio_url' }))).toHaveLength(weights.length);
  await expect(fetcher.input(`${server.url}/silent`, { folder, field: 'audio_url' })).rejects.toThrow(
    /longer than 0.4/,
  );
  using lora = await fetcher.lora({ path: server.url, scale: 0.5 }, 0, {});
  expect(lora.path.startsWith(join(folder, 'data', 'loras'))).toBe(true);
  expect(lora.scale).toBe(0.5);
  expect(await fetcher.post(server.url, { body: '{}', headers: {}, timeout: 2000 })).toEqual({ status: 202 });

  await using strict = await openFetcher(configuration());
  await expect(strict.input(server.url, { folder, field: 'audio_url' })).rejects.toThrow(/private network/);
  await expect(strict.lora({ path: server.url, scale: 1 }, 0, {})).rejects.toThrow(/private network/);
  await expect(strict.lora({ path: './x.safetensors', scale: 1 }, 0, {})).rejects.toThrow(/SOUNDSTAGE_LORA_FOLDER/);
  await expect(strict.post(server.url, { body: '', headers: {}, timeout: 2000 })).rejects.toThrow(/private network/);
  const limits = { ...settings, SOUNDSTAGE_MAX_INPUT_BYTES: '1000', SOUNDSTAGE_MAX_LORA_BYTES: '1000' };
  await using narrow = await openFetcher(configuration(limits));
  await expect(narrow.input(server.url, { folder, field: 'audio_url' })).rejects.toMatchObject({
    type: 'file_too_large',
  });
  await expect(narrow.lora({ path: `${server.url}/b`, scale: 1 }, 0, {})).rejects.toMatchObject({
    type: 'file_too_large',
  });
});

test('own files and the LoRA folder', async () => {
  const weights = randomSafetensors(300);
  const loras = join(folder, 'loras');
  await mkdir(loras);
  await writeFile(join(loras, 'a.safetensors'), weights);
  await using fetcher = await openFetcher(configuration({ SOUNDSTAGE_LORA_FOLDER: loras }));
  using local = await fetcher.lora({ path: 'a.safetensors', scale: 1 }, 0, {});
  expect(await readFile(local.path)).toHaveLength(weights.length);
  const findOwnFile = async (url: string) => ({
    identity: url,
    size: weights.length,
    open: async () =>
      (async function* () {
        yield weights;
      })(),
  });
  using own = await fetcher.lora({ path: 'http://own/files/a', scale: 1 }, 0, { findOwnFile });
  expect((await readFile(own.path)).equals(weights)).toBe(true);
});

test('a bad setting is named', async () => {
  await expect(openFetcher(configuration({ SOUNDSTAGE_ALLOW_PRIVATE_HOSTS: 'http://x' }))).rejects.toMatchObject({
    field: 'SOUNDSTAGE_ALLOW_PRIVATE_HOSTS',
  });
});
