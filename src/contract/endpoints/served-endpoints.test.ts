import { expect, test } from 'vitest';
import { exampleOf } from '../documents/llms-examples.ts';
import { llmsTxt } from '../documents/llms-txt.ts';
import { openapi } from '../documents/openapi.ts';
import { pathOfField } from '../errors/error-location.ts';
import { replaceAddresses } from '../input/file-fields.ts';
import { audioToVideo } from './audio-to-video.ts';
import { audioToVideoLora } from './audio-to-video-lora.ts';
import { servedEndpoints } from './served-endpoints.ts';

test('two endpoints are served, the one with LoRAs first', () => {
  expect([...servedEndpoints.keys()]).toEqual([
    'fal-ai/ltx-2-19b/distilled/audio-to-video/lora',
    'fal-ai/ltx-2-19b/distilled/audio-to-video',
  ]);
});

test.each([...servedEndpoints.values()])('$id: its examples are valid, its files are fields of its own', (endpoint) => {
  for (const fields of ['required', 'all'] as const) {
    expect(endpoint.validate(exampleOf(endpoint.input, fields))).toMatchObject({ ok: true });
  }
  for (const field of endpoint.fileFields) {
    expect(pathOfField(field.replace('*', '0'), endpoint.servedInput)).toBeDefined();
  }
});

const body = { prompt: 'A dog', audio_url: 'https://example.com/a.wav' };

test('without LoRAs, they are an unknown field: whatever is sent is ignored', () => {
  const plain = audioToVideo.validate(body);
  expect(plain).toMatchObject({ ok: true, input: { prompt: 'A dog', fps: 25 } });
  for (const loras of [[{ path: 'a/b' }], [{ path: 'a/b', scale: 9 }], 'none', null, 7]) {
    expect(audioToVideo.validate({ ...body, loras })).toEqual(plain);
  }
  expect(audioToVideo.validate({ loras: [] })).toMatchObject({
    ok: false,
    problems: [{ loc: ['body', 'prompt'] }, { loc: ['body', 'audio_url'] }],
  });
});

test('without LoRAs, everything else is as with them', () => {
  const { loras: _, ...properties } = audioToVideoLora.input.root.properties ?? {};
  expect(audioToVideo.input.root.properties).toEqual(properties);
  expect(Object.keys(properties)).toEqual(audioToVideo.input.root['x-fal-order-properties']);
  expect(audioToVideo.output).toEqual(audioToVideoLora.output);
  expect(audioToVideo.app).toBe(audioToVideoLora.app);
});

test('without LoRAs, no document speaks of them', () => {
  const documents = `${llmsTxt(audioToVideo)}${JSON.stringify(openapi(audioToVideo))}`;
  expect(documents).not.toMatch(/loras|LoRAInput|Lora(?:Input|Output)|custom LoRA|\/lora\b/);
  expect(documents).toContain('camera_lora');
  expect(documents).toContain('"Ltx219bDistilledAudioToVideoInput"');
  expect(documents).toContain('$0.0008 per megapixel');
  expect(documents).toContain('your request will cost $0.0896.');
});

test('addresses are those of the fields that name files', () => {
  const input = { ...body, end_image_url: 5, loras: [{ path: 'a' }, 'b', { path: 'c' }], other: { path: 'd' } };
  const found = ({ fileFields }: typeof audioToVideo): readonly (readonly [string, string])[] => {
    const addresses: [string, string][] = [];
    const replaced = replaceAddresses(input, fileFields, (address, field) => {
      addresses.push([field, address]);
      return address;
    });
    expect(replaced).toEqual(input);
    return addresses;
  };
  expect(found(audioToVideo)).toEqual([['audio_url', body.audio_url]]);
  expect(found(audioToVideoLora)).toEqual([
    ['audio_url', body.audio_url],
    ['loras.0.path', 'a'],
    ['loras.2.path', 'c'],
  ]);
});
