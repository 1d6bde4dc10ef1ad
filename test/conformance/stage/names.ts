/** Names of the endpoints, written out here so that a slip in the server's own constants shows. */
export const app = 'fal-ai/ltx-2-19b';
export const id = 'fal-ai/ltx-2-19b/distilled/audio-to-video/lora';

/** A well-formed id that no request has. */
export const unknownId = '01a20351-8294-7390-af0b-30f4fc2d971f';

interface MinimalInput {
  readonly prompt: string;
  readonly audio_url: string;
  readonly loras: { path: string }[];
}

/** The least that is valid. */
export const minimal: MinimalInput = Object.freeze({
  prompt: 'A dog',
  audio_url: 'https://example.com/a.wav',
  loras: [{ path: '' }],
});

/** The endpoint without LoRAs, of the same app, and the least that is valid there. */
export const plainId = 'fal-ai/ltx-2-19b/distilled/audio-to-video';
export const plainMinimal = Object.freeze({ prompt: 'A dog', audio_url: 'https://example.com/a.wav' });

/** What holds for one endpoint holds for the other. */
export const endpoints = Object.freeze([
  { endpoint: id, least: minimal, unitPrice: 0.001 },
  { endpoint: plainId, least: plainMinimal, unitPrice: 0.0008 },
]);

/** The same with another prompt, whose first word tells the scripted clip maker what to do. */
export function prompted(prompt: string): MinimalInput {
  return { ...minimal, prompt };
}
