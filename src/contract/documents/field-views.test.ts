import { expect, test } from 'vitest';
import { audioToVideoLora } from '../endpoints/audio-to-video-lora.ts';
import { fieldViews } from './field-views.ts';

const views = fieldViews(audioToVideoLora.servedInput);
const view = (name: string) => views.find((each) => each.name === name);

test('every field of the input, in published order, with the limits that are served', () => {
  expect(views.map(({ name }) => name)).toEqual(Object.keys(audioToVideoLora.servedInput.root.properties ?? {}));
  expect(view('num_frames')).toMatchObject({ type: 'integer', range: '9 to 481', default: '121', isRequired: false });
  expect(view('prompt')).toMatchObject({ type: 'text', range: '1 to 5000 characters', isRequired: true });
  expect(view('acceleration')?.choices).toEqual(['none', 'regular', 'high', 'full']);
});

test('a field of several shapes, and one that lists objects, with the fields inside', () => {
  expect(view('video_size')).toMatchObject({
    type: 'object or text',
    default: '"landscape_4_3"',
    choices: expect.arrayContaining(['auto', 'square_hd']),
  });
  expect(view('video_size')?.fields.map(({ name, default: value }) => [name, value])).toEqual([
    ['width', '512'],
    ['height', '512'],
  ]);
  expect(view('loras')).toMatchObject({ type: 'list of objects', range: 'at most 8 items' });
  expect(view('loras')?.fields).toMatchObject([
    { name: 'path' },
    { name: 'weight_name' },
    { name: 'scale', range: '0 to 4', default: '1' },
  ]);
});

test('the fields of the output', () => {
  const [video, seed] = fieldViews(audioToVideoLora.output);
  expect(video).toMatchObject({ type: 'object', description: 'The generated video.' });
  expect(video?.fields.map(({ name }) => name)).toContain('num_frames');
  expect(seed).toMatchObject({ type: 'integer', isRequired: true });
});
