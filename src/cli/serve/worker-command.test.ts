import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { startPostgres } from '../../../test/support/databases/postgres.ts';
import { finished, startSoundstage } from '../../../test/support/programs/command.ts';

const id = 'fal-ai/ltx-2-19b/distilled/audio-to-video/lora';
const postgres = await startPostgres();
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'soundstage-worker-'));
});
afterAll(async () => {
  vi.unstubAllEnvs();
  await postgres?.[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

interface Started extends AsyncDisposable {
  /** All of what it wrote to stdout once `pattern` was in it. */
  readonly greeting: string;
}

async function start(pattern: RegExp, ...args: readonly string[]): Promise<Started> {
  const child = startSoundstage(...args, '--data', folder);
  const result = finished(child);
  const greeting = await new Promise<string>((resolve, reject) => {
    let text = '';
    child.stdout?.on('data', (data) => {
      text += data;
      if (pattern.test(text)) resolve(text);
    });
    result.then(({ stderr }) => reject(new Error(stderr)));
  });
  const end = async (): Promise<void> => {
    child.kill('SIGTERM');
    expect(await result).toMatchObject({ code: 0 });
  };
  return { greeting, [Symbol.asyncDispose]: end };
}

test.skipIf(postgres === undefined)(
  'a worker makes the clips of a server without one',
  async () => {
    vi.stubEnv('DATABASE_URL', await postgres?.newDatabase());
    await using server = await start(/Ctrl-C/, 'serve', '--no-worker', '--port', '0');
    const url = /serves on (\S+)/.exec(server.greeting)?.[1] ?? '';
    const sound = await readFile(new URL('../../../examples/hello.wav', import.meta.url));
    const body = JSON.stringify({
      prompt: 'A woman speaks to the camera',
      audio_url: `data:audio/wav;base64,${sound.toString('base64')}`,
      loras: [],
      match_audio_length: false,
      num_frames: 9,
      video_size: { width: 64, height: 64 },
    });
    const reply = fetch(`${url}/run/${id}`, { method: 'POST', body });
    await using _worker = await start(/makes clips with nano/, 'worker', '--device', 'cpu');
    const { video } = (await (await reply).json()) as {
      readonly video: { readonly url: string; readonly file_size: number };
    };
    const file = await (await fetch(video.url)).arrayBuffer();
    expect(file.byteLength).toBe(video.file_size);
    expect(Buffer.from(file).subarray(4, 8).toString()).toBe('ftyp');
  },
  120_000,
);
