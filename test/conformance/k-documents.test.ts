import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { endpoints, id, plainId } from './stage/names.ts';
import { onEachDatabase } from './stage/stage.ts';

const captured = join(import.meta.dirname, '../fixtures/endpoint/llms.txt');
const inputName = 'Ltx219bDistilledAudioToVideoLoraInput';
const outputName = 'Ltx219bDistilledAudioToVideoLoraOutput';

await onEachDatabase('K. Documents', {}, (stage) => {
  const openapi = async () => {
    const { status, body } = await stage.anonymous(`/api/openapi/queue/openapi.json?endpoint_id=${id}`);
    expect(status).toBe(200);
    return body;
  };

  test('152 OpenAPI: version, and four paths with the full id', async () => {
    const document = await openapi();
    expect(document.openapi).toBe('3.0.4');
    expect(document.info.title).toBe(`Queue OpenAPI for ${id}`);
    expect(document.info['x-fal-metadata'].endpointId).toBe(id);
    const paths = Object.entries(document.paths as Record<string, object>);
    expect(paths.map(([path, methods]) => [path, Object.keys(methods)])).toEqual(
      expect.arrayContaining([
        [`/${id}`, ['post']],
        [`/${id}/requests/{request_id}`, ['get']],
        [`/${id}/requests/{request_id}/status`, ['get']],
        [`/${id}/requests/{request_id}/cancel`, ['put']],
      ]),
    );
    expect(paths).toHaveLength(4);
    expect(Object.keys(document.components.schemas).sort()).toEqual(
      ['ImageSize', 'LoRAInput', inputName, outputName, 'QueueStatus', 'VideoFile'].sort(),
    );
  });

  test.each(endpoints)('152 OpenAPI of $endpoint names no other endpoint', async ({ endpoint }) => {
    const { status, body } = await stage.anonymous(`/api/openapi/queue/openapi.json?endpoint_id=${endpoint}`);
    expect([status, body.info.title]).toEqual([200, `Queue OpenAPI for ${endpoint}`]);
    for (const path of Object.keys(body.paths)) expect(path).toMatch(new RegExp(`^/${endpoint}(?:/requests/|$)`));
  });

  test('153, 154 OpenAPI: the fields where there are no LoRAs', async () => {
    const { body } = await stage.anonymous(`/api/openapi/queue/openapi.json?endpoint_id=${plainId}`);
    const input = body.components.schemas.Ltx219bDistilledAudioToVideoInput;
    const [order, ordered] = [input, (await openapi()).components.schemas[inputName]].map(
      (schema) => schema['x-fal-order-properties'],
    );
    expect(order).toEqual(ordered.filter((name: string) => name !== 'loras'));
    expect([...input.required].sort()).toEqual(['audio_url', 'prompt']);
    expect(body.components.schemas).not.toHaveProperty('LoRAInput');
  });

  test('153 OpenAPI: the order of the input fields', async () => {
    const input = (await openapi()).components.schemas[inputName];
    const order = input['x-fal-order-properties'];
    expect(order).toHaveLength(25);
    expect([order[0], order.at(-1)]).toEqual(['prompt', 'preprocess_audio']);
    expect([...order].sort()).toEqual(Object.keys(input.properties).sort());
  });

  test('154 OpenAPI: the required fields of the input', async () => {
    const { required } = (await openapi()).components.schemas[inputName];
    expect([...required].sort()).toEqual(['audio_url', 'loras', 'prompt']);
  });

  test('155 OpenAPI: the required fields of a status', async () => {
    const { required } = (await openapi()).components.schemas.QueueStatus;
    expect([...required].sort()).toEqual(['request_id', 'status']);
  });

  test('156 llms.txt is the captured page, byte by byte, for anybody', async () => {
    const reply = await fetch(`${stage.url}/models/${id}/llms.txt`);
    expect(reply.status).toBe(200);
    expect(reply.headers.get('content-type')).toMatch(/^text\/.*charset=utf-8/i);
    const page = Buffer.from(await reply.arrayBuffer());
    expect(page.toString('utf8')).toBe(await readFile(captured, 'utf8'));
    expect(page).toHaveLength(13_440);
    expect(createHash('sha256').update(page).digest('hex')).toBe(
      '771d675cb64104d6cfeebc344a8e4e5ff452377fbc49278bcdf8ce7925a1c72b',
    );
  });

  test('156 llms.txt where there are no LoRAs', async () => {
    const { status, body } = await stage.anonymous(`/models/${plainId}/llms.txt`);
    expect(status).toBe(200);
    expect(body).toContain(`- **Model ID**: \`${plainId}\``);
    expect(body).not.toMatch(/`loras`|\/lora\b/);
  });

  test('157 OpenAPI of an unknown endpoint', async () => {
    const { status, headers, body } = await stage.anonymous(
      '/api/openapi/queue/openapi.json?endpoint_id=fal-ai/nothing',
    );
    expect(status).toBe(404);
    expect(headers.get('content-type')).toContain('application/json');
    expect(body.detail).toContain('fal-ai/nothing');
  });
});
