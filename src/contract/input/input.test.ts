import { expect, test } from 'vitest';
import { SoundstageError } from '../../shared/errors.ts';
import { audioToVideoLora } from '../endpoints/audio-to-video-lora.ts';
import { parseInput } from './input.ts';

const minimal = { prompt: 'A dog', audio_url: 'a.mp3', loras: [] };

function refusal(value: unknown): SoundstageError {
  try {
    parseInput(value, audioToVideoLora);
  } catch (error) {
    if (error instanceof SoundstageError) return error;
  }
  throw new Error('was not refused with a SoundstageError');
}

test.each<[fields: object, sentence: string]>([
  [{ num_frames: 8 }, 'num_frames must be a whole number from 9 to 481, not 8'],
  [{ seed: -1 }, 'seed must be a whole number from 0 to 4294967295, not -1'],
  [{ fps: Number.NaN }, 'fps must be a number from 1 to 60, not NaN'],
  [{ prompt: ' ' }, 'prompt must be a text of 1 to 5000 characters, not " "'],
  [{ audio_url: undefined }, 'audio_url is missing; it must be a text that is not empty'],
  [{ sync_mode: 'perhaps' }, 'sync_mode must be true or false, not "perhaps"'],
  [{ loras: [{ path: 'a', scale: 5 }] }, 'loras.0.scale must be a number from 0 to 4, not 5'],
  [
    { video_size: { width: 4096, height: 64 } },
    'video_size.width must be one of auto, square_hd, square, portrait_4_3, portrait_16_9, landscape_4_3, ' +
      'landscape_16_9, or { width: a whole number from 64 to 2048, height: a whole number from 64 to 2048 }, not 4096',
  ],
  [{ acceleration: 'warp' }, 'acceleration must be one of none, regular, high, full, not "warp"'],
])('%j: the sentence says what is accepted', (fields, sentence) => {
  expect(refusal({ ...minimal, ...fields }).message).toBe(sentence);
});

test('the first problem gives field, type and parameters', () => {
  const { kind, field, type, context } = refusal({ ...minimal, loras: [{ path: 'a', scale: 5 }], fps: 99 });
  expect({ kind, field, type, context }).toEqual({
    kind: 'input',
    field: 'fps',
    type: 'less_than_equal',
    context: { le: 60 },
  });
});

test('a request that is no object', () => {
  expect(refusal([]).message).toBe('the request must be an object with the fields of a request, not []');
  expect(refusal(undefined).message).toMatch(/^the request is missing/);
});

test('defaults', () => {
  expect(parseInput(minimal, audioToVideoLora)).toMatchObject({
    num_frames: 121,
    video_size: 'landscape_4_3',
    enable_safety_checker: true,
  });
});
