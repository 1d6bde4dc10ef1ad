import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { writeToneWav } from './media/sound-files.ts';

export const endpointId = 'fal-ai/ltx-2-19b/distilled/audio-to-video/lora';

/** The one without LoRAs. */
export const plainEndpointId = 'fal-ai/ltx-2-19b/distilled/audio-to-video';

/** A clip that takes the least time; everything about it but its size is as it comes. */
export const smallClip = Object.freeze({
  prompt: 'A woman speaks to the camera',
  loras: [{ path: '', scale: 1 }],
  video_size: { width: 128, height: 128 },
  match_audio_length: false,
  num_frames: 9,
  enable_prompt_expansion: false,
  video_write_mode: 'fast',
});

/** A short recording, as the bytes of a wav file. */
export async function recording(seconds = 0.5): Promise<Buffer<ArrayBuffer>> {
  const folder = await mkdtemp(join(tmpdir(), 'soundstage-sdk-'));
  try {
    await writeToneWav(join(folder, 'sound.wav'), seconds);
    return await readFile(join(folder, 'sound.wav'));
  } finally {
    await rm(folder, { recursive: true });
  }
}

const prefixes: Readonly<Record<string, string>> = {
  'fal.run': '/run',
  'queue.fal.run': '/queue',
  'rest.fal.ai': '/rest',
  'rest.alpha.fal.ai': '/rest',
  'v3.fal.media': '/cdn',
  'v3b.fal.media': '/cdn',
  'fal.media': '/cdn',
};

/** What users of a self-hosted server put in place of the platform's addresses. */
export function rewriteHost(url: string, base: string): string {
  const { host, pathname, search } = new URL(url);
  const prefix = prefixes[host];
  return prefix === undefined ? url : `${base}${prefix}${pathname}${search}`;
}
