import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, expect, test } from 'vitest';
import { audioToVideoLora } from '../../contract/endpoints/audio-to-video-lora.ts';
import { parseInput } from '../../contract/input/input.ts';
import { openFetcher } from '../../fetching/fetcher.ts';
import { serveHttp } from '../../fetching/http/file-server.test-support.ts';
import { resolveWeights } from '../../models/resolve-weights.ts';
import { readConfiguration } from '../../shared/configuration.ts';
import { fetchInputs } from './fetch-inputs.ts';

const dataFolder = await mkdtemp(join(tmpdir(), 'soundstage-inputs-'));
afterAll(() => rm(dataFolder, { recursive: true }));

test('all inputs of a request share one time limit, and nothing is left of them', async () => {
  await using server = await serveHttp(async (_request, response) => {
    await sleep(900);
    response.end('content');
  });
  const configuration = readConfiguration({
    SOUNDSTAGE_DATA: dataFolder,
    SOUNDSTAGE_FETCH_TIMEOUT: '1.5',
    SOUNDSTAGE_ALLOW_PRIVATE_HOSTS: '127.0.0.1',
  });
  await using fetcher = await openFetcher(configuration);
  const fields = {
    prompt: 'A woman speaks',
    audio_url: `${server.url}/a`,
    image_url: `${server.url}/b`,
    loras: [],
  };
  const input = parseInput(fields, audioToVideoLora);
  const sources = { fetcher, weights: await resolveWeights('nano') };
  const fetching = fetchInputs(input, sources, {
    folder: dataFolder,
    signal: new AbortController().signal,
    log: () => {},
  });
  await expect(fetching).rejects.toMatchObject({
    kind: 'input',
    field: 'image_url',
    type: 'file_download_error',
    message: expect.stringMatching(/all together, took longer than 1.5 s/),
  });
  // The recording is there, and goes with the folder of its attempt; of the picture there is nothing.
  expect((await readdir(dataFolder)).filter((name) => name.startsWith('input-'))).toHaveLength(1);
});
