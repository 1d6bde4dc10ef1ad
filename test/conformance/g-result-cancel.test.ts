import { ApiError, createFalClient, ValidationError } from '@fal-ai/client';
import { expect, test } from 'vitest';
import { rewriteHost } from '../support/endpoint.ts';
import { pythonWith } from '../support/programs/python.ts';
import { patchedGlobals } from '../support/programs/python-recipes.ts';
import { app, id, minimal, prompted, unknownId } from './stage/names.ts';
import { onEachDatabase } from './stage/stage.ts';

const python = await pythonWith('fal-client>=1,<2');

await onEachDatabase('G. Queue: result and cancel', {}, (stage) => {
  const javascript = () =>
    createFalClient({
      credentials: stage.credentials,
      requestMiddleware: async (request) => ({ ...request, url: rewriteHost(request.url, stage.url) }),
    });

  test('88 a result before its time', async () => {
    await using held = await stage.occupy();
    const waiting = await stage.submit(minimal);
    for (const requestId of [held.ids[0] ?? '', waiting]) {
      const { status, body } = await stage.result(requestId);
      expect([status, body]).toEqual([400, { detail: 'Request is still in progress' }]);
    }
  });

  test('89 a result is the output, with the id of its request', async () => {
    const requestId = await stage.completed({ ...minimal, seed: 5 });
    const { status, headers, body } = await stage.result(requestId);
    expect(status).toBe(200);
    expect(headers.get('x-fal-request-id')).toBe(requestId);
    expect(body).toEqual({ video: expect.objectContaining({ url: expect.any(String) }), seed: 5, prompt: 'A dog' });
    expect(await (await fetch(body.video.url)).text()).toBe('clip of A dog');
  });

  test('90 billable units are on the result, and on neither submit nor status', async () => {
    const submitted = await stage.call(`/queue/${id}`, {
      body: { ...minimal, video_size: 'square_hd', num_frames: 9 },
    });
    expect(submitted.headers.has('x-fal-billable-units')).toBe(false);
    const requestId = submitted.body.request_id;
    await stage.inState(requestId, 'COMPLETED');
    expect((await stage.status(requestId)).headers.has('x-fal-billable-units')).toBe(false);
    // 1024 × 1024 × 9 = 9,437,184
    expect((await stage.result(requestId)).headers.get('x-fal-billable-units')).toBe('10');
  });

  test('91 a result can be had again', async () => {
    const requestId = await stage.completed(minimal);
    const first = await stage.result(requestId);
    const second = await stage.result(requestId);
    expect(second.body).toEqual(first.body);
    expect(second.headers.get('x-fal-billable-units')).toBe(first.headers.get('x-fal-billable-units'));
  });

  test('92 the result of an invalid input is a 422, for JS a ValidationError', async () => {
    const requestId = await stage.completed({ ...minimal, num_frames: 8 });
    const { status, body } = await stage.result(requestId);
    expect(status).toBe(422);
    expect(body.detail).toEqual([
      expect.objectContaining({ loc: ['body', 'num_frames'], type: 'greater_than_equal', ctx: { ge: 9 }, input: 8 }),
    ]);
    const error = await javascript()
      .queue.result(id, { requestId })
      .catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(ValidationError);
    expect((error as ValidationError).fieldErrors).toEqual(body.detail);
  });

  test('93 the result of a crashed request is a 500, for JS an ApiError', async () => {
    const crashed = await stage.completed(prompted('Crash always'));
    // The platform's retries: a crash is forgiven twice.
    expect(stage.maker.started.filter((started) => started === crashed)).toHaveLength(3);
    for (const requestId of [crashed, await stage.completed(prompted('Break'))]) {
      const { status, headers, body } = await stage.result(requestId);
      expect(status).toBe(500);
      expect(headers.get('content-type')).toContain('application/json');
      expect(headers.get('x-fal-request-id')).toBe(requestId);
      expect(JSON.stringify(body)).not.toContain('undefined is not a function');
      const error = await javascript()
        .queue.result(id, { requestId })
        .catch((thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(ApiError);
      expect(error).toMatchObject({ status: 500, requestId, body });
    }
  });

  test.skipIf(python === undefined)('93 the result of a crashed request, in Python', async () => {
    const printed = await python?.run(
      `${patchedGlobals(stage.url)}
import json
try:
    fal_client.subscribe("${id}", arguments=json.loads('${JSON.stringify(prompted('Break'))}'))
except fal_client.FalClientHTTPError as error:
    print(error.status_code)
`,
      { FAL_KEY: stage.credentials },
    );
    expect(printed?.trim()).toBe('500');
  });

  test('94 a cancel of a waiting request', async () => {
    await using _held = await stage.occupy();
    const requestId = await stage.submit(minimal);
    const { status, body } = await stage.cancel(requestId);
    expect([status, body]).toEqual([202, { status: 'CANCELLATION_REQUESTED' }]);
    await stage.inState(requestId, 'COMPLETED');
    expect(stage.maker.started).not.toContain(requestId);
  });

  test('95 a cancel of a running request ends the work on it', async () => {
    await using held = await stage.occupy();
    const requestId = held.ids[0] ?? '';
    const { status, body } = await stage.cancel(requestId);
    expect([status, body]).toEqual([202, { status: 'CANCELLATION_REQUESTED' }]);
    await expect.poll(() => stage.maker.aborted.includes(requestId), { timeout: 5000 }).toBe(true);
    expect((await stage.status(requestId)).body.error_type).toBe('client_cancelled');
    // The worker is free for others.
    await stage.completed(minimal);
  });

  test('96 a cancel of a finished request', async () => {
    const { status, body } = await stage.cancel(await stage.completed(minimal));
    expect([status, body]).toEqual([400, { status: 'ALREADY_COMPLETED' }]);
  });

  test('97 a cancel of an unknown request', async () => {
    for (const requestId of [unknownId, 'nonsense']) {
      const { status, body } = await stage.cancel(requestId);
      expect([status, body]).toEqual([404, { status: 'NOT_FOUND' }]);
    }
  });

  test('98 a cancel with an empty body and with an empty object', async () => {
    await using _held = await stage.occupy();
    const at = async () => `/queue/${app}/requests/${await stage.submit(minimal)}/cancel`;
    const replies = [
      await stage.call(await at(), { method: 'PUT' }),
      await stage.call(await at(), { method: 'PUT', body: {} }),
      await stage.call(await at(), { method: 'PUT', body: '' }),
      await stage.call(await at(), { method: 'PUT', body: 'null' }),
    ];
    for (const { status, body } of replies) {
      expect([status, body]).toEqual([202, { status: 'CANCELLATION_REQUESTED' }]);
    }
  });

  test('99 status and result of a cancelled request', async () => {
    await using held = await stage.occupy();
    const waiting = await stage.submit(minimal);
    for (const requestId of [waiting, held.ids[0] ?? '']) {
      await stage.cancel(requestId);
      await stage.inState(requestId, 'COMPLETED');
      const now = await stage.status(requestId);
      expect(now.status).toBe(200);
      expect(now.body).toMatchObject({
        status: 'COMPLETED',
        error: 'Invalid status code: 499',
        error_type: 'client_cancelled',
      });
      const { status, headers, body } = await stage.result(requestId);
      expect([status, body]).toEqual([499, { detail: expect.any(String), error_type: 'client_cancelled' }]);
      expect(headers.get('x-fal-error-type')).toBe('client_cancelled');
      expect(headers.get('x-fal-request-id')).toBe(requestId);
    }
  });
});
