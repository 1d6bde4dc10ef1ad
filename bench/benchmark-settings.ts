import { join } from 'node:path';
import { audioToVideoLora } from '../src/contract/endpoints/audio-to-video-lora.ts';
import { type InputField, parseInput } from '../src/contract/input/input.ts';
import type { DeviceKind } from '../src/graph/graph-target.ts';
import type { ClipSettings } from '../src/pipeline/plan/plan.ts';

/**
 * Settings of a benchmarked clip.
 *
 * @param size WIDTHxHEIGHTxFRAMES
 * @param fields of the request, as far as they differ from those of every benchmarked clip
 * @throws SoundstageError `input` for values that the endpoint refuses
 */
export function benchmarkSettings(
  size: string,
  device: DeviceKind,
  fields: Partial<Record<InputField, unknown>> = {},
): ClipSettings {
  const [width, height, frames] = size.split('x').map(Number);
  const request = {
    prompt: 'A woman speaks to the camera in a quiet room',
    audio_url: join(import.meta.dirname, '../examples/hello.wav'),
    loras: [],
    enable_prompt_expansion: false,
    match_audio_length: false,
    num_frames: frames,
    video_size: { width, height },
    ...fields,
  };
  const input = parseInput(request, audioToVideoLora);
  const files = { audio: input.audio_url, loras: [] };
  return audioToVideoLora.toSettings(input, files, { seed: input.seed ?? 1, device });
}
