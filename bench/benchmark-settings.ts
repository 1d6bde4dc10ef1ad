import { join } from 'node:path';
import type { ClipSettings } from '../src/pipeline/plan/clip-settings.ts';

/** What every benchmarked clip has in common. */
export const benchmarkSettings: ClipSettings = {
  prompt: 'A woman speaks to the camera in a quiet room',
  expandPrompt: false,
  audio: join(import.meta.dirname, '../examples/hello.wav'),
  matchAudioLength: false,
  numFrames: 121,
  videoSize: { width: 512, height: 384 },
  useMultiscale: true,
  fps: 25,
  acceleration: 'none',
  seed: 1,
  videoOutputType: 'X264 (.mp4)',
  videoQuality: 'high',
  videoWriteMode: 'balanced',
  loras: [],
  imageStrength: 1,
  endImageStrength: 1,
  audioStrength: 1,
  preprocessAudio: true,
  device: 'cpu',
};
