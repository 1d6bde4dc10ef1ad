import { expect, test } from 'vitest';
import { audioToVideoLora } from '../endpoints/audio-to-video-lora.ts';
import type { Problem } from '../errors/problem.ts';
import { inputSchema } from './input-schema.ts';

const minimal = { prompt: 'A dog', audio_url: 'https://example.com/a.mp3', loras: [] };

function problemsOf(body: unknown): readonly Problem[] {
  const validation = audioToVideoLora.validate(body);
  return validation.ok ? [] : validation.problems;
}

/** What is wrong with a request that is sound but for these fields. */
function problemsWith(fields: Readonly<Record<string, unknown>>): readonly Problem[] {
  return problemsOf({ ...minimal, ...fields });
}

function inputWith(fields: Readonly<Record<string, unknown>>) {
  const validation = audioToVideoLora.validate({ ...minimal, ...fields });
  if (!validation.ok) throw new Error(JSON.stringify(validation.problems));
  return validation.input;
}

test('25 fields in published order', () => {
  const names = Object.keys(inputSchema.shape);
  expect(names).toHaveLength(25);
  expect(names.at(0)).toBe('prompt');
  expect(names.at(-1)).toBe('preprocess_audio');
});

test('131 132 every missing field is named, in published order', () => {
  expect(problemsOf({ prompt: 'x', audio_url: 'y' })).toEqual([
    {
      loc: ['body', 'loras'],
      msg: 'Field required',
      type: 'missing',
      url: 'https://docs.fal.ai/errors/#missing',
      input: { prompt: 'x', audio_url: 'y' },
    },
  ]);
  expect(problemsOf({}).map(({ loc }) => loc[1])).toEqual(['prompt', 'audio_url', 'loras']);
});

test.each([
  ['133', 'num_frames', 8, 'greater_than_equal', { ge: 9 }],
  ['133', 'num_frames', 482, 'less_than_equal', { le: 481 }],
  ['133', 'num_frames', 1e300, 'less_than_equal', { le: 481 }],
  ['134', 'fps', 0.5, 'greater_than_equal', { ge: 1 }],
  ['134', 'fps', 61, 'less_than_equal', { le: 60 }],
  ['135', 'acceleration', 'turbo', 'one_of', { expected: ['none', 'regular', 'high', 'full'] }],
  ['', 'camera_lora', null, 'one_of', expect.objectContaining({ expected: expect.arrayContaining(['jib_up']) })],
  ['', 'num_frames', 9.5, 'int_from_float', undefined],
  ['', 'num_frames', 'abc', 'int_parsing', undefined],
  ['', 'num_frames', null, 'int_type', undefined],
  ['', 'fps', 'NaN', 'finite_number', undefined],
  ['', 'fps', [], 'float_type', undefined],
  ['', 'sync_mode', 'maybe', 'bool_parsing', undefined],
  ['', 'sync_mode', null, 'bool_type', undefined],
  ['', 'prompt', 5, 'string_type', undefined],
  ['', 'prompt', null, 'string_type', undefined],
  ['', 'prompt', ' \n', 'sequence_too_short', { min_length: 1 }],
  ['', 'prompt', 'x'.repeat(5001), 'sequence_too_long', { max_length: 5000 }],
  ['', 'prompt', 'half \ud83d of one', 'string_unicode', undefined],
  ['', 'prompt', 'nul \0 inside', 'string_unicode', undefined],
  ['', 'audio_url', '', 'sequence_too_short', { min_length: 1 }],
  ['', 'audio_url', ['x'], 'string_type', undefined],
  ['', 'negative_prompt', 'x'.repeat(5001), 'sequence_too_long', { max_length: 5000 }],
  ['', 'seed', -1, 'greater_than_equal', { ge: 0 }],
  ['', 'seed', 2 ** 32, 'less_than_equal', { le: 2 ** 32 - 1 }],
  ['', 'loras', {}, 'list_type', undefined],
  ['', 'loras', 'abc', 'list_type', undefined],
  ['', 'loras', null, 'list_type', undefined],
  ['', 'video_size', 5, 'one_of', expect.anything()],
  ['', 'video_size', [], 'one_of', expect.anything()],
  ['', 'video_size', null, 'one_of', expect.anything()],
])('%s %s: %j is refused as %s', (_, field, given, type, ctx) => {
  const [problem, ...others] = problemsWith({ [field]: given });
  expect(others).toEqual([]);
  expect(problem).toMatchObject({ loc: ['body', field], type, url: `https://docs.fal.ai/errors/#${type}` });
  expect(problem?.ctx).toEqual(ctx);
});

test('135 the message names the allowed values', () => {
  expect(problemsWith({ acceleration: 'turbo' })[0]).toMatchObject({
    msg: "Input should be 'none', 'regular', 'high' or 'full'",
    input: 'turbo',
  });
});

test('134 the bounds themselves are accepted', () => {
  expect(inputWith({ fps: 1, num_frames: 9 })).toMatchObject({ fps: 1, num_frames: 9 });
  expect(inputWith({ fps: 60, num_frames: 481, seed: 4294967295 })).toMatchObject({ fps: 60, seed: 4294967295 });
});

test('136 each LoRA is told apart', () => {
  const loras = [{ path: 'a/b', scale: 4.1 }, { path: 'a/b' }, {}, null, ['x'], { path: 7, weight_name: 8 }];
  expect(problemsWith({ loras }).map(({ loc, type }) => [loc.slice(1).join('.'), type])).toEqual([
    ['loras.0.scale', 'less_than_equal'],
    ['loras.2.path', 'missing'],
    ['loras.3', 'model_attributes_type'],
    ['loras.4', 'model_attributes_type'],
    ['loras.5.path', 'string_type'],
    ['loras.5.weight_name', 'string_type'],
  ]);
});

test('137 139 null stands for absent where that is published', () => {
  const input = inputWith({
    image_url: null,
    end_image_url: null,
    seed: null,
    loras: [{ path: 'owner/repo', weight_name: null }],
  });
  expect(input).not.toHaveProperty('image_url');
  expect(input).not.toHaveProperty('seed');
  expect(input.loras).toEqual([{ path: 'owner/repo', scale: 1 }]);
});

test('138 sides outside of what is delivered are refused at the side', () => {
  const size = (width: unknown, height: unknown) =>
    problemsWith({ video_size: { width, height } }).map(({ loc, type, ctx }) => [loc[2], type, ctx]);
  expect(size(0, 512)).toEqual([['width', 'greater_than_equal', { ge: 64 }]]);
  expect(size(14143, 63)).toEqual([
    ['width', 'less_than_equal', { le: 2048 }],
    ['height', 'greater_than_equal', { ge: 64 }],
  ]);
  expect(size('64', 2048)).toEqual([]);
  expect(inputWith({ video_size: {} }).video_size).toEqual({ width: 512, height: 512 });
  expect(inputWith({ video_size: 'auto' }).video_size).toBe('auto');
});

test('values are read as leniently as the hosted endpoint reads them', () => {
  const lenient = { num_frames: '121', fps: '25', sync_mode: 1, match_audio_length: 'off', seed: '7.0' };
  expect(inputWith({ ...lenient, loras: [{ path: '', scale: '2' }] })).toMatchObject({
    num_frames: 121,
    fps: 25,
    sync_mode: true,
    match_audio_length: false,
    seed: 7,
    loras: [{ path: '', scale: 2 }],
  });
});

test.each([' ', '\n', '\r\n\t', '\u00a0', '\u200b', '\ufeff', '\u202a', '\u2028 \u2060'])(
  '%j around an address or a name is not part of it',
  (space) => {
    const around = (text: string): string => `${space}${text}${space}`;
    const [url, data] = ['https://host/a b.mp3?c=d', 'data:audio/wav;base64,AAAA\nAAAA'];
    const input = inputWith({
      audio_url: around(url),
      image_url: around(data),
      end_image_url: around(url),
      loras: [{ path: around('owner/repo'), weight_name: around('a b.safetensors') }, { path: space }],
    });
    expect(input).toMatchObject({ audio_url: url, image_url: data, end_image_url: url });
    expect(input.loras).toEqual([
      { path: 'owner/repo', weight_name: 'a b.safetensors', scale: 1 },
      { path: '', scale: 1 },
    ]);
    expect(problemsWith({ audio_url: space })).toMatchObject([{ type: 'sequence_too_short', ctx: { min_length: 1 } }]);
  },
);

test('white space within a long address costs no time', () => {
  const started = performance.now();
  const address = `data:,x${' '.repeat(2_000_000)}x`;
  expect(inputWith({ audio_url: ` ${address} ` }).audio_url).toBe(address);
  expect(performance.now() - started).toBeLessThan(1000);
});

test('a prompt is counted in characters', () => {
  expect(inputWith({ prompt: '🎬'.repeat(5000) }).prompt).toHaveLength(10_000);
  expect(problemsWith({ prompt: '🎬'.repeat(5001) })).toMatchObject([{ type: 'sequence_too_long' }]);
});

test.each([[null], [5], ['x'], [[]], [[minimal]], [true]])('a body of %j is refused as a whole', (body) => {
  expect(problemsOf(body)).toMatchObject([{ loc: ['body'], type: 'model_attributes_type' }]);
});

test('no body at all', () => {
  expect(problemsOf(undefined)).toEqual([
    { loc: ['body'], msg: 'Field required', type: 'missing', url: 'https://docs.fal.ai/errors/#missing' },
  ]);
});

test('inherited fields and prototypes do not count', () => {
  expect(problemsOf(JSON.parse(`{"__proto__": ${JSON.stringify(minimal)}}`))).toHaveLength(3);
  expect(problemsOf(Object.create(minimal))).toHaveLength(3);
  const body = JSON.parse(
    `{"prompt": "a", "audio_url": "b", "loras": [], "__proto__": {"fps": 500}, "constructor": 1}`,
  );
  expect(audioToVideoLora.validate(body)).toMatchObject({ ok: true, input: { fps: 25 } });
  expect(Object.getPrototypeOf({})).not.toHaveProperty('fps');
});

test('unknown fields are ignored, however deep', () => {
  const deep = JSON.parse(`${'['.repeat(100_000)}${']'.repeat(100_000)}`);
  expect(audioToVideoLora.validate({ ...minimal, deep })).toMatchObject({ ok: true });
  expect(audioToVideoLora.validate({ ...minimal, deep })).not.toHaveProperty('input.deep');
});

test('what is repeated of a request is small and can be stored', () => {
  const deep = JSON.parse(`${'['.repeat(100_000)}${']'.repeat(100_000)}`);
  for (const given of [deep, 'x'.repeat(1e7), { a: 'x'.repeat(1e7) }, Array(1e6).fill(0), { '\0\ud800': '\0\ud800' }]) {
    const problems = problemsOf({ prompt: given, audio_url: given, loras: given, video_size: given, fps: given });
    expect(problems.length).toBeGreaterThan(3);
    const text = JSON.stringify(problems);
    expect(text.length).toBeLessThan(10_000);
    expect(text).not.toMatch(/\\u0000|\\ud800/);
  }
});

test('a list of a million items costs one problem, not a million', () => {
  const started = performance.now();
  const problems = problemsWith({ loras: Array(1e6).fill(1) });
  expect(problems.length).toBeLessThan(12);
  expect(problems.at(-1) ?? problems[0]).toBeDefined();
  expect(problems).toContainEqual(expect.objectContaining({ loc: ['body', 'loras'], type: 'sequence_too_long' }));
  expect(performance.now() - started).toBeLessThan(1000);
});
