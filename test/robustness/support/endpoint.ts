export const endpointId = 'fal-ai/ltx-2-19b/distilled/audio-to-video/lora';
export const app = 'fal-ai/ltx-2-19b';

/** Valid, and quickly refused by nobody. */
export const input = Object.freeze({
  prompt: 'A woman speaks',
  audio_url: 'https://example.com/a.wav',
  loras: Object.freeze([]),
});
