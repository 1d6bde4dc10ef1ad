import { expect, test } from 'vitest';
import { app, endpoints, id, minimal, prompted } from './stage/names.ts';
import { onEachDatabase } from './stage/stage.ts';
import { startReceiver } from './stage/webhook-receiver.ts';

await onEachDatabase('D. Queue: submit', {}, (stage) => {
  const submit = (headers = {}, query = '') => stage.call(`/queue/${id}${query}`, { body: minimal, headers });

  test('55 a submit answers 200 IN_QUEUE', async () => {
    const { status, body } = await submit();
    expect([status, body.status]).toEqual([200, 'IN_QUEUE']);
  });

  test.each(endpoints)(
    '56 $endpoint: the reply has the absolute addresses of the request, which work',
    async ({ endpoint, least }) => {
      const { body } = await stage.call(`/queue/${endpoint}`, { body: least });
      await stage.inState(body.request_id, 'COMPLETED');
      for (const url of [body.status_url, body.response_url]) {
        expect(new URL(url).origin).toBe(stage.url);
        expect((await stage.call(url)).status).toBe(200);
      }
      expect((await stage.call(body.cancel_url, { method: 'PUT' })).status).toBe(400);
    },
  );

  test.each(endpoints)('57 $endpoint: the addresses are those of the app', async ({ endpoint, least }) => {
    const { body } = await stage.call(`/queue/${endpoint}`, { body: least });
    const base = `${stage.url}/queue/${app}/requests/${body.request_id}`;
    expect(body).toMatchObject({ response_url: base, status_url: `${base}/status`, cancel_url: `${base}/cancel` });
    expect(JSON.stringify(body)).not.toContain('distilled');
  });

  test('58 the request id is a UUID', async () => {
    const { headers, body } = await submit();
    expect(body.request_id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    expect(headers.get('x-fal-request-id')).toBe(body.request_id);
  });

  test('59 the position is the number of requests ahead', async () => {
    await using _held = await stage.occupy();
    expect((await submit()).body.queue_position).toBe(0);
    expect((await submit()).body.queue_position).toBe(1);
    expect((await submit({ 'x-fal-queue-priority': 'low' })).body.queue_position).toBe(2);
    expect((await submit()).body.queue_position).toBe(2);
  });

  test('60 the priority that JS always sends', async () => {
    expect((await submit({ 'x-fal-queue-priority': 'normal' })).status).toBe(200);
  });

  test('61 a normal request overtakes a low one', async () => {
    await using held = await stage.occupy();
    const low = await stage.submit(prompted('Hold low'), { headers: { 'x-fal-queue-priority': 'low' } });
    const normal = await stage.submit(prompted('Hold normal'));
    stage.maker.release(held.ids[0]);
    await stage.inState(normal, 'IN_PROGRESS');
    expect((await stage.status(low)).body.status).toBe('IN_QUEUE');
    await expect.poll(() => stage.maker.started.includes(normal)).toBe(true);
    stage.maker.release(normal);
    await expect.poll(() => stage.maker.started.includes(low)).toBe(true);
    stage.maker.release(low);
    await stage.inState(low, 'COMPLETED');
  });

  test('62 an unknown priority is a normal one', async () => {
    await using held = await stage.occupy();
    const low = await stage.submit(minimal, { headers: { 'x-fal-queue-priority': 'low' } });
    const other = await stage.submit(minimal, { headers: { 'x-fal-queue-priority': 'urgent' } });
    expect((await stage.status(other)).body.queue_position).toBe(0);
    expect((await stage.status(low)).body.queue_position).toBe(1);
    expect(held.ids).toHaveLength(stage.workers);
  });

  test('63 a queue that is longer than the caller wants', async () => {
    await using _held = await stage.occupy();
    expect((await submit({}, '?fal_max_queue_length=0')).status).toBe(200);
    const { status, headers, body } = await submit({}, '?fal_max_queue_length=0');
    expect([status, body.error_type]).toEqual([429, 'concurrent_requests_limit']);
    expect(headers.get('x-fal-needs-retry')).toBe('1');
    expect((await submit({}, '?fal_max_queue_length=1')).status).toBe(200);
    expect((await submit({}, '?fal_max_queue_length=1')).status).toBe(429);
  });

  test('64 the webhook is decoded from the query, in both spellings of a space', async () => {
    await using receiver = await startReceiver();
    const hook = `${receiver.url}/c d?d=e&f=%2F`;
    await submit({}, `?fal_webhook=${encodeURIComponent(hook)}`);
    await submit({}, `?fal_webhook=${encodeURIComponent(hook).replaceAll('%20', '+')}`);
    await expect.poll(() => receiver.deliveries.length, { timeout: 10_000 }).toBe(2);
    for (const { path } of receiver.deliveries) expect(path).toBe('/c%20d?d=e&f=%2F');
    for (const refused of ['not a url', 'ftp://example.com/', 'javascript:alert(1)']) {
      const { status, body } = await submit({}, `?fal_webhook=${encodeURIComponent(refused)}`);
      expect([refused, status, body.error_type]).toEqual([refused, 400, 'bad_request']);
    }
  });

  test('65 two identical submits are two requests', async () => {
    const [first, second] = [await stage.submit(minimal), await stage.submit(minimal)];
    expect(first).not.toBe(second);
    for (const requestId of [first, second]) await stage.inState(requestId, 'COMPLETED');
  });

  test('66 GET and PUT that call an empty body JSON', async () => {
    const requestId = await stage.completed(minimal);
    const headers = { accept: 'application/json', 'content-type': 'application/json' };
    const at = `/queue/${app}/requests/${requestId}`;
    for (const path of [at, `${at}/status`]) expect((await stage.call(path, { headers })).status).toBe(200);
    const cancelled = await stage.call(`${at}/cancel`, { method: 'PUT', headers });
    expect([cancelled.status, cancelled.body]).toEqual([400, { status: 'ALREADY_COMPLETED' }]);
  });

  test('67 payloads that are not to be kept are not listed', async () => {
    const kept = await stage.completed(prompted('A kept dog'));
    const secret = await stage.completed(prompted('A secret dog'), { headers: { 'x-fal-store-io': '0' } });
    const { status, body } = await stage.call(
      `/v1/models/requests/by-endpoint?endpoint_id=${id}&expand=payloads&limit=100`,
    );
    expect(status).toBe(200);
    const listed = new Map(body.items.map((item: { request_id: string }) => [item.request_id, item]));
    expect(listed.get(kept)).toMatchObject({ json_input: { prompt: 'A kept dog' }, json_output: { seed: 7 } });
    expect(listed.get(secret)).toMatchObject({ json_input: null, json_output: null });
    expect(JSON.stringify(body)).not.toContain('A secret dog');
    // The caller gets the result all the same.
    expect((await stage.result(secret)).body.prompt).toBe('A secret dog');
  });

  test('68 tags are taken, and refused with a reason', async () => {
    const requestId = await stage.completed(minimal, { headers: { 'x-fal-tags': 'team=a,shot=12' } });
    const { body } = await stage.call('/v1/models/usage?tags=team%3Da&expand=summary');
    expect(body.summary).toHaveLength(1);
    expect((await stage.call('/v1/models/usage?tags=team%3Db&expand=summary')).body.summary).toEqual([]);
    expect(requestId).toBeTruthy();
    for (const tags of ['Team=a', 'fal.team=a', 'team', `team=${'a'.repeat(257)}`, 'a=1,'.repeat(10).concat('b=1')]) {
      const refused = await submit({ 'x-fal-tags': tags });
      expect([tags, refused.status, refused.body.error_type]).toEqual([tags, 400, 'bad_request']);
    }
  });
});
