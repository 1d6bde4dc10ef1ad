import { Validator } from '@seriousme/openapi-schema-validator';
import { expect, test } from 'vitest';
import { audioToVideo } from '../endpoints/audio-to-video.ts';
import { audioToVideoLora as endpoint } from '../endpoints/audio-to-video-lora.ts';
import type { JsonSchema } from '../json-schema.ts';
import { modelEntry, priceEntry } from './models-list.ts';
import { genericOpenapi, type OpenApiDocument, openapi, schemaName } from './openapi.ts';

const name = 'Ltx219bDistilledAudioToVideoLora';
const document = openapi(endpoint);
const { schemas } = document.components;

test('152 the document has the version, the four paths with the full id, and the components', () => {
  expect(document.openapi).toBe('3.0.4');
  const request = `/${endpoint.id}/requests/{request_id}`;
  expect(Object.keys(document.paths).sort()).toEqual(
    [`/${endpoint.id}`, request, `${request}/status`, `${request}/cancel`].sort(),
  );
  expect(Object.keys(schemas).sort()).toEqual(
    ['ImageSize', 'LoRAInput', `${name}Input`, `${name}Output`, 'QueueStatus', 'VideoFile'].sort(),
  );
  expect(document.servers).toEqual([{ url: 'https://queue.fal.run' }]);
  expect(document.info).toMatchObject({
    title: `Queue OpenAPI for ${endpoint.id}`,
    'x-fal-metadata': { endpointId: endpoint.id, documentationUrl: `https://fal.ai/models/${endpoint.id}/api` },
  });
});

test('153 154 the input lists 25 names in order, and requires three', () => {
  const input = schemas[`${name}Input`];
  const order = input?.['x-fal-order-properties'] ?? [];
  expect(order).toHaveLength(25);
  expect([order.at(0), order.at(-1)]).toEqual(['prompt', 'preprocess_audio']);
  expect(Object.keys(input?.properties ?? {}).sort()).toEqual([...order].sort());
  expect(new Set(input?.required)).toEqual(new Set(['prompt', 'audio_url', 'loras']));
  expect(input?.title).toBe('LTX2LoRADistilledAudioToVideoInput');
  expect(schemas[`${name}Output`]).toMatchObject({
    title: 'LTX2AudioToVideoOutput',
    required: ['video', 'seed', 'prompt'],
  });
});

test('155 a status requires status and request_id', () => {
  expect(schemas.QueueStatus?.required).toEqual(['status', 'request_id']);
});

test('log entries carry level and source at the top and in labels', () => {
  const [list] = schemas.QueueStatus?.properties?.logs?.anyOf ?? [];
  expect(list).toMatchObject({ type: 'array', items: { properties: { level: {}, source: {} } } });
  const { level, source, labels } = list?.items?.properties ?? {};
  expect(labels).toEqual({ type: 'object', properties: { level, source }, required: ['level', 'source'] });
});

test('fields show the published limits and no others', () => {
  const { prompt, image_url, num_frames, seed, loras, video_size } = endpoint.input.root.properties ?? {};
  expect(prompt).not.toHaveProperty('maxLength');
  expect(image_url).toEqual({
    title: 'Image URL',
    description: expect.any(String),
    examples: [expect.any(String)],
    anyOf: [{ type: 'string' }, { type: 'null' }],
  });
  expect(num_frames).toMatchObject({ type: 'integer', minimum: 9, maximum: 481, default: 121 });
  expect(seed?.anyOf).toEqual([{ type: 'integer' }, { type: 'null' }]);
  expect(loras).toEqual({
    title: 'LoRAs',
    description: expect.any(String),
    type: 'array',
    items: { $ref: '#/components/schemas/LoRAInput' },
  });
  expect(video_size?.anyOf?.[0]).toEqual({ $ref: '#/components/schemas/ImageSize' });
  const { width } = endpoint.input.named.ImageSize?.properties ?? {};
  expect(width).toMatchObject({ type: 'integer', exclusiveMinimum: 0, maximum: 14142, default: 512 });
  expect(width).not.toHaveProperty('minimum');
  expect(schemas.VideoFile?.required).toEqual(['url']);
  expect(JSON.stringify(document)).not.toMatch(/"(published|nullable|\$defs)"|9007199254740991/);
});

test.each([
  ['of the endpoint', openapi(endpoint)],
  ['of the endpoint without LoRAs', openapi(audioToVideo)],
  ['of any endpoint', genericOpenapi([endpoint.id])],
  ['of a server of one’s own', openapi(endpoint, 'http://localhost:8000/queue')],
])('the document %s is valid', async (_, made) => {
  // Its schemas use the idioms of 3.1, which it is valid as; without them it is valid as what it says it is.
  expect(await validated({ ...made, openapi: '3.1.0' })).toEqual({ valid: true });
  expect(await validated(withoutNewIdioms(made))).toEqual({ valid: true });
});

test('the generic document names no endpoint', () => {
  expect(Object.keys(genericOpenapi([endpoint.id]).paths)).toContain('/{endpoint_id}/requests/{request_id}/status');
  expect(Object.keys(genericOpenapi([endpoint.id]).components.schemas)).toEqual(['QueueStatus']);
});

test('component names', () => {
  expect(schemaName(endpoint.id)).toBe(name);
  expect(schemaName('fal-ai/bytedance/seedream/v4/text-to-image')).toBe('BytedanceSeedreamV4TextToImage');
});

test('161 the entries in the lists of models and prices', () => {
  expect(priceEntry(endpoint)).toEqual({
    endpoint_id: endpoint.id,
    unit_price: 0.001,
    unit: 'megapixels',
    currency: 'USD',
  });
  expect(modelEntry(endpoint)).not.toHaveProperty('openapi');
  expect(modelEntry(endpoint, { ...document })).toMatchObject({
    endpoint_id: endpoint.id,
    metadata: { display_name: 'LTX-2 19B Distilled', category: 'audio-to-video', status: 'active', kind: 'inference' },
    openapi: { openapi: '3.0.4' },
  });
});

async function validated(made: Readonly<Record<string, unknown>>): Promise<{ valid: boolean; errors?: unknown }> {
  return new Validator().validate(structuredClone(made));
}

/** 3.0 knows no examples and no null in schemas, nothing beside a reference, and only flags for exclusive bounds. */
function withoutNewIdioms(made: OpenApiDocument): Readonly<Record<string, unknown>> {
  const convert = ({ $ref, examples, exclusiveMinimum, properties, items, anyOf, ...rest }: JsonSchema): object => {
    if ($ref !== undefined) return { $ref };
    return {
      ...rest,
      ...(exclusiveMinimum !== undefined && { minimum: exclusiveMinimum, exclusiveMinimum: true }),
      ...(properties && {
        properties: Object.fromEntries(Object.entries(properties).map(([key, inner]) => [key, convert(inner)])),
      }),
      ...(items && { items: convert(items) }),
      ...(anyOf && { anyOf: anyOf.filter(({ type }) => type !== 'null').map(convert) }),
    };
  };
  const converted = Object.entries(made.components.schemas).map(([key, schema]) => [key, convert(schema)]);
  return { ...made, components: { ...made.components, schemas: Object.fromEntries(converted) } };
}
