import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';
import { MediaService } from '../../../src/media/media-service.ts';
import { decodeVideoFrames } from '../../../src/media/native/decode/video-frames.ts';
import { endpointId, smallClip } from '../endpoint.ts';

export interface Output {
  readonly video: { readonly url: string; readonly content_type: string; readonly file_size: number };
  readonly seed: number;
  readonly prompt: string;
}

/** Downloads the clip as anybody would, and decodes every picture and all of the sound of it. */
export async function expectPlayable(output: Output, fetchFile: typeof fetch = fetch): Promise<void> {
  expect(Object.keys(output).sort(), endpointId).toEqual(['prompt', 'seed', 'video']);
  const reply = await fetchFile(output.video.url);
  expect(reply.status).toBe(200);
  expect(reply.headers.get('content-type')).toBe(output.video.content_type);
  const bytes = Buffer.from(await reply.arrayBuffer());
  expect(bytes.length).toBe(output.video.file_size);
  const folder = await mkdtemp(join(tmpdir(), 'soundstage-clip-'));
  try {
    await expectSmallClip(join(folder, 'clip.mp4'), bytes);
  } finally {
    await rm(folder, { recursive: true });
  }
}

async function expectSmallClip(path: string, bytes: Buffer): Promise<void> {
  await writeFile(path, bytes);
  let frames = 0;
  for await (const { width, height } of decodeVideoFrames(path)) {
    frames += 1;
    expect({ width, height }).toEqual(smallClip.video_size);
  }
  expect(frames).toBe(smallClip.num_frames);
  await using media = new MediaService();
  const sound = await media.decodeAudio(path);
  expect(sound.duration).toBeCloseTo(smallClip.num_frames / 25, 1);
  expect(sound.waveform.some((sample) => Math.abs(sample) > 0.05)).toBe(true);
}
