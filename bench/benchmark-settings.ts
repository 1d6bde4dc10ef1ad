import { join } from 'node:path';
import { audioToVideoLora } from '../src/contract/endpoints/audio-to-video-lora.ts';
import { parseInput } from '../src/contract/input/input.ts';
import type { ClipSettings } from '../src/pipeline/plan/plan.ts';

const input = parseInput(
  {
    prompt: 'A woman speaks to the camera in a quiet room',
    audio_url: join(import.meta.dirname, '../examples/hello.wav'),
    loras: [],
    enable_prompt_expansion: false,
    match_audio_length: false,
    num_frames: 121,
    video_size: { width: 512, height: 384 },
  },
  audioToVideoLora,
);

/** What every benchmarked clip has in common. */
export const benchmarkSettings: ClipSettings = audioToVideoLora.toSettings(
  input,
  { audio: input.audio_url, loras: [] },
  { seed: 1, device: 'cpu' },
);
