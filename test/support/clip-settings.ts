import type { ClipSettings } from '../../src/pipeline/plan/clip-settings.ts';

/** A small clip with every option at its plainest; tests change what they are about. */
export const plainSettings: ClipSettings = {
  prompt: 'A dog',
  expandPrompt: false,
  audio: '/a.wav',
  matchAudioLength: false,
  numFrames: 12,
  videoSize: { width: 96, height: 64 },
  useMultiscale: true,
  fps: 24,
  acceleration: 'none',
  seed: 1,
  videoOutputType: 'X264 (.mp4)',
  videoQuality: 'high',
  videoWriteMode: 'fast',
  loras: [],
  imageStrength: 1,
  endImageStrength: 1,
  audioStrength: 1,
  preprocessAudio: true,
  device: 'cpu',
};
