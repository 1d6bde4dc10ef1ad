import { expect, test } from 'vitest';
import { eventsOf } from './stage/calls.ts';
import { app, id, minimal, prompted } from './stage/names.ts';
import { narration } from './stage/scripted-clip-maker.ts';
import { onEachDatabase } from './stage/stage.ts';

await onEachDatabase('F. Queue: status stream', {}, (stage) => {
  const openStream = (requestId: string, query = '?logs=1', headers = {}) =>
    stage.openCall(`/queue/${app}/requests/${requestId}/status/stream${query}`, { headers });

  const streamed = async (requestId: string, query?: string) =>
    await Array.fromAsync(eventsOf(await openStream(requestId, query)));

  test('81 a status stream is an event stream, under both addresses', async () => {
    const requestId = await stage.completed(minimal);
    for (const base of [app, id]) {
      const reply = await stage.openCall(`/queue/${base}/requests/${requestId}/status/stream?logs=1`);
      expect(reply.status).toBe(200);
      expect(reply.headers.get('content-type')).toContain('text/event-stream');
      expect(await reply.text()).toMatch(/^data: \{.*\}\n\n$/);
    }
  });

  test('82 the first event does not wait for a change', async () => {
    await using held = await stage.occupy();
    const waiting = await stage.submit(minimal);
    for (const [requestId, expected] of [
      [held.ids[0] ?? '', 'IN_PROGRESS'],
      [waiting, 'IN_QUEUE'],
    ] as const) {
      const events = eventsOf(await openStream(requestId));
      const started = performance.now();
      const { value } = await events.next();
      expect(value?.data).toMatchObject({ status: expected, request_id: requestId, logs: expect.any(Array) });
      expect(performance.now() - started).toBeLessThan(1000);
      await events.return(undefined);
    }
  });

  test('83 the last event is COMPLETED, and then the server closes', async () => {
    await using held = await stage.occupy();
    const waiting = await stage.submit(prompted('Narrate'));
    const statuses: string[] = [];
    for await (const { data } of eventsOf(await openStream(waiting))) {
      if (statuses.length === 0) for (const requestId of held.ids) stage.maker.release(requestId);
      statuses.push(data.status);
    }
    expect([...new Set(statuses)]).toEqual(['IN_QUEUE', 'IN_PROGRESS', 'COMPLETED']);
    expect(statuses.filter((status) => status === 'COMPLETED')).toHaveLength(1);
  });

  test('84 log entries come once, in order, and all of them', async () => {
    const requestId = await stage.submit(prompted('Narrate'));
    const events = await streamed(requestId);
    const entries = events.flatMap(({ data }) => data.logs.map(({ message }: { message: string }) => message));
    expect(entries).toEqual(['making Narrate', ...narration]);
    for (const { level, source, labels } of events.flatMap(({ data }) => data.logs)) {
      expect(labels).toEqual({ level, source });
    }
    expect(events.filter(({ data }) => data.logs.length > 0).length).toBeGreaterThan(1);
    for (const { data } of await streamed(requestId, '?logs=0')) expect(data.logs).toBeNull();
  });

  test('85 it is an event stream whatever Accept says', async () => {
    const requestId = await stage.completed(minimal);
    for (const accept of ['application/json', 'text/html', 'image/png']) {
      const reply = await openStream(requestId, '', { accept });
      expect(reply.headers.get('content-type')).toContain('text/event-stream');
      expect(await reply.text()).toMatch(/^data: /);
    }
  });

  test('86 events are ASCII', async () => {
    const events = await streamed(await stage.submit(prompted('Narrate')));
    const bytes = Buffer.concat(events.map((event) => event.bytes));
    expect([...bytes].every((byte) => byte < 0x80)).toBe(true);
    expect(bytes.toString()).toContain('\\u7b2c');
  });

  test('87 a finished request is one event', async () => {
    const events = await streamed(await stage.completed(minimal));
    expect(events.map(({ data }) => data)).toEqual([
      expect.objectContaining({
        status: 'COMPLETED',
        logs: [expect.objectContaining({ message: 'making A dog' })],
        metrics: { inference_time: expect.any(Number) },
      }),
    ]);
  });
});
