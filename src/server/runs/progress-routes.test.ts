import sharp from 'sharp';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { startTestServer, type TestServer } from '../../../test/support/server.ts';
import { TestClipMaker, untilAborted } from '../../jobs/jobs.test-support.ts';
import { app, Calls, eventsOf, id } from '../calls.test-support.ts';

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

const step = { type: 'progress', phase: 'denoise', step: 2, steps: 8, fraction: 0.25, seconds: 3 } as const;
/** Two frames of one pixel each, red and blue. */
const preview = { type: 'preview', step: 2, frames: 2, width: 1, height: 1 } as const;
const rgb = Uint8Array.of(255, 0, 0, 0, 0, 255);

test('progress and previews of a running request, once and as a stream; nothing of them afterwards', async () => {
  maker.behavior = async (request, context) => {
    context.onProgress(step);
    await context.onPreview({ ...preview, rgb });
    await untilAborted(request, context);
  };
  const { request_id: request } = (await calls.post(`/queue/${id}`)).body;
  const at = `/queue/${app}/requests/${request}`;
  await expect.poll(async () => (await calls.call(`${at}/progress`)).body.preview).not.toBeNull();
  const { body } = await calls.call(`${at}/progress`);
  expect(body).toMatchObject({ request_id: request, status: 'IN_PROGRESS', queue_position: null });
  expect(body.progress).toEqual({ phase: 'denoise', step: 2, steps: 8, fraction: 0.25, seconds: 3, seconds_left: 9 });
  expect(await colors(body.preview.image)).toEqual(['red', 'blue']);

  const stream = fetch(new URL(`${at}/progress/stream`, server.url)).then((reply) => reply.text());
  await calls.call(`${at}/cancel`, { method: 'PUT' });
  const events = eventsOf(await stream);
  expect(events.at(-1)).toMatchObject({ status: 'COMPLETED', progress: null });
  expect((await calls.call(`${at}/progress`)).body).toMatchObject({ progress: null, preview: null });
});

test('the status stream says nothing about progress', async () => {
  maker.behavior = async (_, context) => {
    for (let done = 1; done <= 3; done += 1) {
      context.onProgress({ ...step, step: done });
      await new Promise((resolve) => setTimeout(resolve, 300));
    }
  };
  const { request_id: request } = (await calls.post(`/queue/${id}`)).body;
  const reply = await calls.call(`/queue/${app}/requests/${request}/status/stream`);
  const states = eventsOf(reply.body).map(({ status }) => status);
  expect(new Set(states).size).toBe(states.length);
});

async function colors(uri: string): Promise<string[]> {
  const picture = Buffer.from(uri.slice(uri.indexOf(',') + 1), 'base64');
  const { data, info } = await sharp(picture).removeAlpha().raw().toBuffer({ resolveWithObject: true });
  expect([info.width, info.height]).toEqual([1, 2]);
  return [0, 3].map((at) => ((data[at] ?? 0) > (data[at + 2] ?? 0) ? 'red' : 'blue'));
}
