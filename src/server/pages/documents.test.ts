import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { startTestServer, type TestServer } from '../../../test/support/server.ts';
import { audioToVideoLora } from '../../contract/endpoints/audio-to-video-lora.ts';
import { servedEndpoints } from '../../contract/endpoints/served-endpoints.ts';
import { TestClipMaker } from '../../jobs/jobs.test-support.ts';
import { app, Calls, id, input, unknownId } from '../calls.test-support.ts';
import { estimate } from '../platform/pricing.ts';
import { usageBody } from '../platform/usage.ts';

const maker = new TestClipMaker();
let server: TestServer;
const calls = new Calls(() => server, maker);
beforeAll(async () => {
  server = await startTestServer({ maker });
});
afterAll(() => server[Symbol.asyncDispose]());
beforeEach(() => {
  maker.behavior = async () => {};
});

test('documents, models and prices', async () => {
  expect((await calls.call(`/models/${id}/llms.txt`)).body).toContain('# LTX-2 19B Distilled');
  const document = await calls.call(`/api/openapi/queue/openapi.json?endpoint_id=${id}`);
  expect(document.body.openapi).toBe('3.0.4');
  expect((await calls.call('/api/openapi/queue/openapi.json?endpoint_id=x/y')).status).toBe(404);
  const models = await calls.call(`/v1/models?endpoint_id=${id}&expand=openapi-3.0`);
  expect(models.body.models[0]).toMatchObject({ endpoint_id: id, openapi: { openapi: '3.0.4' } });
  const prices = await calls.call(`/v1/models/pricing?endpoint_id=${id}`);
  expect(prices.body.prices).toEqual([{ endpoint_id: id, unit_price: 0.001, unit: 'megapixels', currency: 'USD' }]);
  const estimated = await calls.post('/v1/models/pricing/estimate', {
    estimate_type: 'unit_price',
    endpoints: { [id]: { unit_quantity: 112 } },
  });
  expect(estimated.body).toEqual({ estimate_type: 'unit_price', total_cost: 0.112, currency: 'USD' });
  const page = await calls.call('/');
  expect(page.body).toMatch(/<title>Soundstage<\/title>/);
  expect(page.headers.get('content-security-policy')).toContain("script-src 'self'");
  for (const endpoint of servedEndpoints.keys()) {
    const playground = await calls.call(`/models/${endpoint}`);
    expect(playground.body).toMatch(/<base href="(?:\.\.\/)+">[\s\S]*<title>Soundstage<\/title>/);
  }
  expect((await calls.call('/models/fal-ai/nothing')).status).toBe(404);
});

test('the address of a clip leads to the page, also where that is reached below a path', async () => {
  const reply = await fetch(new URL(`/clips/${unknownId}`, server.url), { redirect: 'manual' });
  expect([reply.status, reply.headers.get('location')]).toEqual([302, `../?clip=${unknownId}`]);
});

test('costs add up without rounding errors: in a span, in sum and in an estimate', async () => {
  const start = new Date('2026-03-01T00:00:00Z');
  const bucket = { owner: 'a', endpoint: id, start, requests: 1, units: 78 };
  const buckets = [0.078 + 0.1, 0.056].map((cost) => ({ ...bucket, cost }));
  const body = JSON.stringify(usageBody(buckets, [audioToVideoLora], ['time_series', 'summary']));
  expect([...body.matchAll(/"cost":([\d.]+)/g)].map(([, cost]) => cost)).toEqual(['0.234', '0.234']);
  const asked = { estimate_type: 'historical_api_price', endpoints: { [id]: { call_quantity: 3 } } } as const;
  const requests = { usage: async () => [{ ...bucket, requests: 7, cost: 0.1 }] };
  expect(await estimate(asked, { endpoints: servedEndpoints, requests }, { owner: 'a', scope: 'API' })).toBe(0.042_86);
});

test('usage, history and the deletion of payloads', async () => {
  const { headers, body } = await calls.post(`/run/${id}`);
  const requestId = headers.get('x-fal-request-id') ?? '';
  const usage = await calls.call(`/v1/models/usage?endpoint_id=${id}&timeframe=month&expand=time_series,summary`);
  expect(usage.body.summary[0]).toMatchObject({ endpoint_id: id, unit: 'megapixels', unit_price: 0.001 });
  const listed = await calls.call(
    `/v1/models/requests/by-endpoint?endpoint_id=${id}&request_id=${requestId}&expand=payloads`,
  );
  expect(listed.body.items).toMatchObject([
    { request_id: requestId, status_code: 200, json_input: input, json_output: body },
  ]);
  const newer = (await calls.post(`/run/${id}`)).headers.get('x-fal-request-id');
  const list = `/v1/models/requests/by-endpoint?endpoint_id=${id}&limit=1`;
  const first = (await calls.call(list)).body;
  expect(first).toMatchObject({ items: [{ request_id: newer }], has_more: true });
  const second = (await calls.call(`${list}&cursor=${first.next_cursor}`)).body;
  expect(second).toMatchObject({ items: [{ request_id: requestId }], has_more: false, next_cursor: null });
  const erased = await calls.call(`/v1/models/requests/${requestId}/payloads`, { method: 'DELETE' });
  expect(erased.body).toEqual({ cdn_delete_results: [{ link: body.video.url, exception: null }] });
  expect((await fetch(body.video.url)).status).toBe(404);
  expect((await calls.call(`/queue/${app}/requests/${requestId}`)).status).toBe(404);
  const unknown = await calls.call(`/v1/models/requests/${unknownId}/payloads`, { method: 'DELETE' });
  expect(unknown.body.error).toMatchObject({ type: 'not_found', request_id: unknown.headers.get('x-fal-request-id') });
  const bad = await calls.call(`/v1/models/requests/by-endpoint?endpoint_id=${id}&limit=0`);
  expect([bad.status, bad.body.error.type]).toEqual([400, 'validation_error']);
});
