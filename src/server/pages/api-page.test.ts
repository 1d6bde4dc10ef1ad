import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTestServer, type TestServer } from '../../../test/support/server.ts';
import { servedEndpoints } from '../../contract/endpoints/served-endpoints.ts';
import { TestClipMaker } from '../../jobs/jobs.test-support.ts';
import { Calls, id } from '../calls.test-support.ts';

let server: TestServer;
const maker = new TestClipMaker();
const calls = new Calls(() => server, maker);
beforeAll(async () => {
  server = await startTestServer({ maker });
});
afterAll(() => server[Symbol.asyncDispose]());

test.each([...servedEndpoints.values()])(
  '$id: fields, errors, routes and programs, whole in one reply',
  async (endpoint) => {
    const { status, headers, body } = await calls.call(`/models/${endpoint.id}/api`);
    expect([status, headers.get('content-type')]).toEqual([200, 'text/html; charset=UTF-8']);
    expect(headers.get('content-security-policy')).toMatch(/default-src 'none'; script-src 'sha256-[^']+'/);
    expect(headers.get('x-content-type-options')).toBe('nosniff');
    expect(headers.get('cache-control')).toBe('no-cache, private');
    for (const name of Object.keys(endpoint.servedInput.root.properties ?? {}))
      expect(body).toContain(`id="input-${name}"`);
    expect(body.includes('input-loras')).toBe(endpoint.fileFields.includes('loras.*.path'));
    expect(body).toMatch(/range <b>9 to 481<\/b>/);
    expect(body).toContain('id="output-video-num_frames"');
    expect(body).toContain('id="error-file_download_error"');
    expect(body).toContain(`${server.url}/queue/${endpoint.app}/requests/{request_id}/cancel`);
    for (const each of [`${server.url}/run/`, `${server.url}/fal/proxy`, `${server.url}/queue/`])
      expect(body).toContain(each);
  },
);

test('nothing on the page comes from elsewhere', async () => {
  const { body } = await calls.call(`/models/${id}/api`);
  const loaded = [...body.matchAll(/<(?:link|script|img|iframe)[^>]*(?:href|src)="([^"]*)"/g)].map(([, to]) => to);
  expect(loaded).toEqual(['../../../../../../assets/icon.svg']);
});

test('where keys are on, anybody may read the page, and it names the variable and nobody’s key', async () => {
  await using keyed = await startTestServer({ settings: { SOUNDSTAGE_AUTH: 'keys' } });
  const { secret } = await keyed.keys.create({ name: 'a visitor', scope: 'API' });
  const reply = await fetch(`${keyed.url}/models/${id}/api`, { headers: { authorization: `Key a:${secret}` } });
  const page = await reply.text();
  expect(reply.status).toBe(200);
  expect(page).toContain('Authorization: Key <span data-key="plain">$FAL_KEY</span>');
  expect(page).not.toContain(secret);
});

test('other methods are refused, and so are endpoints that there are not', async () => {
  expect((await calls.post(`/models/${id}/api`)).status).toBe(405);
  expect((await calls.call('/models/fal-ai/nothing/api')).status).toBe(404);
});
