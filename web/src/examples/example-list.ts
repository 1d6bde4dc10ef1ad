import type { Payload } from '../clips/clip.ts';

/** A recording with a prompt, and the clip that the miniature made of them. */
export interface Example {
  /** Of its files in `media`. */
  readonly name: string;
  readonly title: string;
  /** What the clip was made from, in words that the miniature knows. */
  readonly prompt: string;
  /** The same idea for a model that knows more than drawings. */
  readonly fullPrompt: string;
  /** What else the clip was made with. */
  readonly settings: Payload;
}

/** All were made at this size, `scripts/write-examples.ts` says how. */
export const exampleSize = { width: 512, height: 384 } as const;

export const exampleList: readonly Example[] = [
  {
    name: 'voice',
    title: 'Voice',
    prompt: 'A woman with red hair and a green shirt speaks to the camera, blue background',
    fullPrompt:
      'A woman with long red hair and a green shirt speaks to the camera and smiles, soft daylight, blue studio wall',
    settings: { seed: 1 },
  },
  {
    name: 'drums',
    title: 'Drums',
    prompt: 'A red circle that pulses with the sound, yellow background',
    fullPrompt: 'A drummer in a red shirt plays a fast beat on a drum kit, close view of hands and sticks, yellow wall',
    settings: { seed: 4 },
  },
  {
    name: 'melody',
    title: 'Melody',
    prompt: 'A blue sea, orange sky',
    fullPrompt: 'Waves roll in on a calm blue sea at sunset, orange sky, wide view from the beach',
    settings: { seed: 1 },
  },
  {
    name: 'child',
    title: 'Another voice',
    prompt: 'A girl with blonde hair and a purple shirt talks, green background',
    fullPrompt:
      'A girl with blonde hair and a purple shirt talks to the camera, a green garden behind her, summer light',
    settings: { seed: 1 },
  },
];
