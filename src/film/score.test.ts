import { expect, test } from 'vitest';
import type { Score } from '../contract/film/film-schema.ts';
import { parseFilm } from '../contract/film/read-film.ts';
import { profileRate, type SoundProfile } from '../media/sound/sound-profile.ts';
import { SoundstageError } from '../shared/errors.ts';
import { atPart, partInput, partSettings } from './part-clip.ts';
import { composeScore, filmSize } from './score.ts';

/** Sound without pauses. */
function sound(seconds: number, level = -20): SoundProfile {
  const loudness = new Float32Array(Math.ceil(seconds * profileRate)).fill(level);
  return { duration: seconds, isCut: false, loudness, onset: new Float32Array(loudness.length) };
}

function scoreOf(fields: Readonly<Record<string, unknown>>, seconds = 20): Score {
  const input = { audio_url: 'song.wav', prompt: 'a sea', cut: 'every', part_seconds: 4, ...fields };
  return composeScore(parseFilm(input), sound(seconds), 5);
}

const errorOf = (fields: Readonly<Record<string, unknown>>, seconds?: number): unknown => {
  try {
    return scoreOf(fields, seconds);
  } catch (error) {
    return error;
  }
};

test.for([23.976, 24, 25, 29.97, 60, 7.3])(
  'at %f fps the parts cover the recording exactly, and no part drifts',
  (fps) => {
    const seconds = 754.321;
    const { parts } = scoreOf({ fps }, seconds);
    expect(parts[0]?.start).toBe(0);
    expect(Math.abs((parts.at(-1)?.end ?? 0) / fps - seconds)).toBeLessThanOrEqual(0.5 / fps);
    for (const [index, { start }] of parts.entries()) {
      expect(start).toBe(parts[index - 1]?.end ?? 0);
      expect(start).toBe(index * Math.round(4 * fps));
    }
  },
);

test('prompts begin where they should; scenes begin anew, and what has a plus goes on', () => {
  const { parts } = scoreOf({
    prompt: '0:00 a sea; 0:06 a lake; 0:10 + a pond',
    seed: 2 ** 32 - 2,
    image_url: 'a.png',
  });
  expect(parts.map(({ start, end, prompt, continues }) => [start, end, prompt, continues])).toEqual([
    [0, 100, 'a sea', false],
    [100, 150, 'a sea', true],
    [150, 250, 'a lake', false],
    [250, 350, 'a pond', true],
    [350, 450, 'a pond', true],
    [450, 500, 'a pond', true],
  ]);
  expect(parts.map(({ seed }) => seed)).toEqual([2 ** 32 - 2, 2 ** 32 - 1, 0, 1, 2, 3]);
  expect(parts.map(({ image_url: image }) => image)).toEqual(['a.png', ...Array(5).fill(undefined)]);
});

test('by default parts are as long as the model can make them, beside what they are shown', () => {
  const lengths = ({ parts }: Score): number[] => parts.map(({ start, end }) => end - start);
  expect(lengths(scoreOf({ part_seconds: undefined, overlap: 3 }, 45))).toEqual([464, 464, 197]);
  expect(lengths(scoreOf({ part_seconds: undefined }, 15))).toEqual([375]);
});

test('a score that was printed is taken back as it is, and validated', () => {
  const score = scoreOf({
    prompt: '0:00 a sea; 0:06 a lake',
    video_size: 'square',
    loras: [{ path: 'a.safetensors' }],
  });
  const again = (change: (parts: Record<string, unknown>[]) => unknown): unknown => {
    const parts = structuredClone(score.parts) as unknown as Record<string, unknown>[];
    return errorOf({ ...score, prompt: undefined, parts: change(parts) ?? parts });
  };
  expect(again(() => undefined)).toEqual(score);
  const withPart = (index: number, fields: object) => again((parts) => void Object.assign(parts[index] ?? {}, fields));
  expect(withPart(1, { start: 90 })).toMatchObject({
    field: 'parts.1.start',
    message: 'part 2 begins at frame 90, but part 1 ends at 100: let them meet',
  });
  expect(withPart(0, { continues: true })).toMatchObject({ field: 'parts.0.continues' });
  expect(withPart(1, { image_url: 'a.png' })).toMatchObject({ field: 'parts.1.image_url' });
  expect(again((parts) => parts.slice(0, 2))).toMatchObject({
    message: 'the parts end at frame 150, but the recording has 500 at 25 fps: let the last part end there',
  });
  expect(again((parts) => [{ ...parts[0], end: 500 }])).toMatchObject({
    message: 'part 1 has 500 frames: the model makes 9 to 472 at once',
  });
  expect(again(() => [])).toMatchObject({ field: 'parts' });
});

test.for([
  [{ prompt: undefined }, 20, 'prompt', /^prompt is missing/],
  [
    { part_seconds: 30 },
    60,
    'part_seconds',
    /^part_seconds 30 is 750 frames at 25 fps: the model makes 9 to 472 at once$/,
  ],
  [{ prompt: '0:00 a sea; 0:30 a lake' }, 20, 'prompt', /the recording ends at 0:20/],
  [{ prompt: '0:00 a sea; 0:19.9 a lake' }, 20, 'prompt', /^the prompt at 0:19.9 is shown for less than 9 frames/],
  [{}, 0.2, 'audio_url', /^the recording is 0.20 s long, too short for 9 frames$/],
] as const)('%j for %f s is refused', ([fields, seconds, field, message]) => {
  expect(errorOf(fields, seconds)).toMatchObject({ kind: 'input', field, message: expect.stringMatching(message) });
});

test('a silent recording and one that is too long are refused', () => {
  const input = parseFilm({ audio_url: 'a.wav', prompt: 'a sea' });
  expect(() => composeScore(input, sound(20, -90), 1)).toThrow(/^the recording is silent/);
  expect(() => composeScore(input, { ...sound(20), isCut: true }, 1)).toThrow(
    /^the recording is longer than 60 minutes/,
  );
});

test('a part is asked for as a clip, with its own LoRAs and camera and the sound from where its overlap begins', () => {
  const score = scoreOf({
    video_size: { width: 100, height: 70 },
    overlap: 2,
    loras: [{ path: 'film' }],
    camera_lora: 'static',
  });
  const parts = score.parts.map((part, at) =>
    at === 1 ? { ...part, loras: [], camera_lora: 'jib_up' as const } : part,
  );
  expect(partInput({ ...score, parts }, 0)).toMatchObject({ loras: [{ path: 'film' }], camera_lora: 'static' });
  expect(partInput({ ...score, parts }, 1)).toMatchObject({
    num_frames: 100,
    match_audio_length: false,
    video_size: { width: 128, height: 128 },
    camera_lora: 'jib_up',
    loras: [],
    seed: 6,
  });
  expect(partSettings(score, 1, { before: 'a.mkv' })).toMatchObject({
    audioStart: 91 / 25,
    continuation: { video: 'a.mkv', first: 91, frames: 9, strength: 1 },
  });
  expect(partSettings(score, 1, {})).toMatchObject({ audioStart: 4, continuation: undefined });
});

test('a film lies in the middle of what the model makes', () => {
  const size = { video_size: { width: 100, height: 70 }, use_multiscale: true };
  expect(filmSize(size)).toMatchObject({
    made: { width: 128, height: 128 },
    crop: { left: 14, top: 29, width: 100, height: 70 },
  });
  expect(filmSize({ ...size, use_multiscale: false }).made).toEqual({ width: 128, height: 96 });
});

test.for([
  ['prompt', 'parts.2.prompt'],
  ['loras.1.path', 'parts.2.loras.1.path'],
  ['image', 'parts.2.image_url'],
  ['anchor', 'anchor_url'],
  ['video_size', 'video_size'],
  ['num_frames', 'parts.2'],
  [undefined, 'parts.2'],
] as const)('what is wrong with %s of a part is said at %s', ([field, at]) => {
  const error = atPart(new SoundstageError('input', 'no', { field }), 2);
  expect(error).toMatchObject({ field: at, message: 'part 3: no' });
});
