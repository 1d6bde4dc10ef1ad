import { audioToVideoLora } from '../../src/contract/endpoints/audio-to-video-lora.ts';
import { parseInput } from '../../src/contract/input/input.ts';
import type { ClipSettings } from '../../src/pipeline/plan/plan.ts';

const input = parseInput(
  {
    prompt: 'A dog',
    audio_url: '/a.wav',
    loras: [],
    enable_prompt_expansion: false,
    match_audio_length: false,
    num_frames: 12,
    video_size: { width: 96, height: 64 },
    fps: 24,
    video_write_mode: 'fast',
  },
  audioToVideoLora,
);

/** A small clip with every option at its plainest; tests change what they are about. */
export const plainSettings: ClipSettings = audioToVideoLora.toSettings(
  input,
  { audio: input.audio_url, loras: [] },
  { seed: 1, device: 'cpu' },
);
