import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, expect, test } from 'vitest';
import { endpointId, recording, smallClip } from '../support/endpoint.ts';
import { expectPlayable } from '../support/media/playable.ts';
import { isInstalled } from '../support/programs/installed.ts';
import { startTestServer } from '../support/server.ts';

// Nothing on this machine may be fetched but what is the server's own.
const server = await startTestServer({ maker: 'pipeline', settings: { SOUNDSTAGE_ALLOW_PRIVATE_HOSTS: '' } });
afterAll(() => server[Symbol.asyncDispose]());
const run = promisify(execFile);
const sound = await recording();

test.skipIf(!isInstalled('curl'))(
  'cURL: upload, submit, poll and fetch the result, each by its documented call',
  async () => {
    const soundPath = join(server.dataFolder, 'sound.wav');
    await writeFile(soundPath, sound);
    const upload = await curl(
      `${server.url}/rest/storage/upload/initiate?storage_type=fal-cdn-v3`,
      ...json({ content_type: 'audio/wav', file_name: 'sound.wav' }),
    );
    await run('curl', [
      '-sSf',
      '-X',
      'PUT',
      '-H',
      'Content-Type: audio/wav',
      '--data-binary',
      `@${soundPath}`,
      upload.upload_url,
    ]);
    const input = { ...smallClip, audio_url: upload.file_url };
    const submitted = await curl(`${server.url}/queue/${endpointId}`, ...json(input));
    expect(submitted).toMatchObject({ status: 'IN_QUEUE' });
    await expect
      .poll(async () => (await curl(`${submitted.status_url}?logs=1`)).status, { timeout: 30_000, interval: 200 })
      .toBe('COMPLETED');
    await expectPlayable(await curl(submitted.response_url));
    await expectPlayable(await curl(`${server.url}/run/${endpointId}`, ...json(input)));
  },
);

test.skipIf(!isInstalled('curl'))(
  '19 cURL through a tunnel: the addresses in the reply lead back the same way',
  async () => {
    const tunnel = ['-x', server.url, '--cacert', server.authorityPath];
    const input = { ...smallClip, audio_url: `data:audio/wav;base64,${sound.toString('base64')}` };
    const submitted = await curl(`https://queue.fal.run/${endpointId}`, ...tunnel, ...json(input));
    expect(submitted.status_url).toMatch(/^https:\/\/queue\.fal\.run\/fal-ai\/ltx-2-19b\/requests\//);
    await expect
      .poll(async () => (await curl(submitted.status_url, ...tunnel)).status, { timeout: 30_000, interval: 200 })
      .toBe('COMPLETED');
    const output = await curl(submitted.response_url, ...tunnel);
    expect(output.video.url).toMatch(/^https:\/\/v3\.fal\.media\/files\//);
    const { stdout } = await run('curl', ['-sSf', ...tunnel, output.video.url], { encoding: 'buffer' });
    expect(stdout.length).toBe(output.video.file_size);
    // What the documentation says of such a link, for those who come another way.
    const direct = output.video.url.replace('https://v3.fal.media', `${server.url}/cdn`);
    await expectPlayable({ ...output, video: { ...output.video, url: direct } });
  },
);

test.skipIf(!isInstalled('curl'))(
  'links that one program gets are inputs for another, however they reach it',
  async () => {
    const tunnel = ['-x', server.url, '--cacert', server.authorityPath];
    const wav = ['-H', 'Content-Type: audio/wav', '--data-binary', `data:${sound.toString('base64')}`];
    const direct: string = (await curl(`${server.url}/cdn/files/upload`, ...wav)).access_url;
    const tunnelled: string = (await curl('https://fal.media/files/upload', ...tunnel, ...wav)).access_url;
    expect([direct, tunnelled]).toEqual([
      expect.stringMatching(`^${server.url}/cdn/files/`),
      expect.stringMatching('^https://v3.fal.media/files/'),
    ]);
    const otherName = direct.replace('127.0.0.1', 'localhost');
    // No sound, but read: that is told by another error than that of a file which cannot be had.
    for (const audio_url of [direct, tunnelled, otherName]) {
      for (const [url, ...way] of [
        [`${server.url}/queue/${endpointId}`],
        [`https://queue.fal.run/${endpointId}`, ...tunnel],
      ]) {
        const { response_url } = await curl(url ?? '', ...way, ...json({ ...smallClip, audio_url }));
        const ask = async () =>
          (await run('curl', ['-sS', ...way, '-H', 'Authorization: Key local:local', response_url])).stdout;
        await expect.poll(ask, { timeout: 30_000, interval: 100 }).toContain('unsupported_audio_format');
      }
    }
  },
);

async function curl(url: string, ...args: readonly string[]): Promise<ReturnType<typeof JSON.parse>> {
  const { stdout } = await run('curl', ['-sSf', '-H', 'Authorization: Key local:local', ...args, url]);
  return JSON.parse(stdout);
}

function json(body: unknown): readonly string[] {
  return ['-H', 'Content-Type: application/json', '--data', JSON.stringify(body)];
}
