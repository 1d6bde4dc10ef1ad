import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { app, minimal, prompted, unknownId } from './stage/names.ts';
import { narration } from './stage/scripted-clip-maker.ts';
import { onEachDatabase } from './stage/stage.ts';

const isoTime = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/;

await onEachDatabase('E. Queue: status', {}, (stage) => {
  test('69 waiting request answers 202 IN_QUEUE with its position', async () => {
    await using _held = await stage.occupy();
    await stage.submit(minimal);
    const requestId = await stage.submit(minimal);
    const { status, body } = await stage.status(requestId);
    const base = `${stage.url}/queue/${app}/requests/${requestId}`;
    expect(status).toBe(202);
    expect(body).toEqual({
      status: 'IN_QUEUE',
      request_id: requestId,
      response_url: base,
      status_url: `${base}/status`,
      cancel_url: `${base}/cancel`,
      queue_position: 1,
      logs: null,
      metrics: {},
    });
  });

  test('70 running request answers 202 IN_PROGRESS with the key logs', async () => {
    await using held = await stage.occupy();
    const { status, body } = await stage.status(held.ids[0] ?? '');
    expect([status, body.status]).toEqual([202, 'IN_PROGRESS']);
    expect(body).toHaveProperty('logs');
  });

  test('71 finished request answers 200 COMPLETED with logs and metrics', async () => {
    const { status, body } = await stage.status(await stage.completed(minimal));
    expect([status, body.status]).toEqual([200, 'COMPLETED']);
    expect(body).toHaveProperty('logs');
    expect(body).toHaveProperty('metrics');
    expect(body).not.toHaveProperty('error');
  });

  test('72 the inference time of a success is positive', async () => {
    const { body } = await stage.status(await stage.completed(prompted('Narrate')));
    // Four pauses of 0.3 s.
    expect(body.metrics.inference_time).toBeGreaterThan(1);
    expect(body.metrics.inference_time).toBeLessThan(20);
  });

  test('73 logs are a list when they are asked for', async () => {
    const requestId = await stage.completed(prompted('Narrate'));
    for (const query of ['?logs=1', '?logs=true']) {
      const { body } = await stage.status(requestId, query);
      const messages = body.logs.map(({ message }: { message: string }) => message);
      expect(messages).toEqual(expect.arrayContaining([...narration]));
    }
    await using held = await stage.occupy();
    const waiting = await stage.submit(minimal);
    for (const asked of [waiting, held.ids[0] ?? '']) {
      expect((await stage.status(asked, '?logs=1')).body.logs).toBeInstanceOf(Array);
    }
  });

  test('74 logs are null when they are not asked for', async () => {
    const requestId = await stage.completed(minimal);
    for (const query of ['?logs=0', '?logs=false', '']) {
      expect((await stage.status(requestId, query)).body.logs).toBeNull();
    }
  });

  test('75 the shape of a log entry', async () => {
    const { body } = await stage.status(await stage.completed(prompted('Narrate')), '?logs=1');
    expect(body.logs.length).toBeGreaterThanOrEqual(narration.length);
    for (const entry of body.logs) {
      expect(entry).toEqual({
        message: expect.any(String),
        level: expect.stringMatching(/^(STDERR|STDOUT|ERROR|INFO|WARN|DEBUG)$/),
        source: 'USER',
        labels: { level: entry.level, source: 'USER' },
        timestamp: expect.stringMatching(isoTime),
      });
    }
  });

  test('76 a failed and a cancelled request are COMPLETED', async () => {
    const failed = await stage.completed({ prompt: 'A dog' });
    const broken = await stage.completed(prompted('Break'));
    await using held = await stage.occupy();
    const waiting = await stage.submit(minimal);
    for (const requestId of [waiting, held.ids[0] ?? '']) await stage.cancel(requestId);
    for (const requestId of [failed, broken, waiting, held.ids[0] ?? '']) {
      await stage.inState(requestId, 'COMPLETED');
      const { status, body } = await stage.status(requestId);
      expect([status, body.status]).toEqual([200, 'COMPLETED']);
    }
  });

  test('77 a failed request says so', async () => {
    const { body } = await stage.status(await stage.completed({ prompt: 'A dog' }));
    expect(body).toMatchObject({ status: 'COMPLETED', error: 'Invalid status code: 422', error_type: 'missing' });
    const broken = await stage.status(await stage.completed(prompted('Break')));
    expect(broken.body).toMatchObject({ error: 'Invalid status code: 500', error_type: 'internal_server_error' });
  });

  test('78 an unknown id', async () => {
    for (const requestId of [unknownId, 'nonsense', '%00', "';drop table requests;--"]) {
      const { status, body } = await stage.status(requestId);
      expect([requestId, status, body]).toEqual([requestId, 404, { status: 'NOT_FOUND' }]);
    }
  });

  test('79 ten polls a second, for ten seconds, by several callers: no 429', async () => {
    await using held = await stage.occupy();
    const requestId = held.ids[0] ?? '';
    const statuses = new Set<number>();
    const poll = async (): Promise<void> => {
      for (const end = performance.now() + 10_000; performance.now() < end; await sleep(100)) {
        statuses.add((await stage.status(requestId, '?logs=false')).status);
      }
    };
    await Promise.all([poll(), poll()]);
    expect([...statuses]).toEqual([202]);
  });

  test('80 the position does not grow while others come and go', async () => {
    await using _held = await stage.occupy();
    const ahead = [await stage.submit(prompted('Hold 1')), await stage.submit(prompted('Hold 2'))];
    const requestId = await stage.submit(prompted('Hold mine'));
    const positions: number[] = [];
    const look = async (): Promise<void> => {
      const { body } = await stage.status(requestId);
      if (body.status === 'IN_QUEUE') positions.push(body.queue_position);
    };
    for (let poll = 0; poll < 3; poll += 1) {
      await stage.submit(minimal);
      await stage.submit(minimal, { headers: { 'x-fal-queue-priority': 'low' } });
      await look();
    }
    stage.maker.release();
    await stage.inState(ahead[0] ?? '', 'IN_PROGRESS');
    for (const end = performance.now() + 5000; performance.now() < end; await sleep(20)) {
      await look();
      stage.maker.release();
      if ((await stage.status(requestId)).body.status !== 'IN_QUEUE') break;
    }
    expect(positions[0]).toBe(2);
    for (const [index, position] of positions.entries()) {
      expect(position).toBeLessThanOrEqual(positions[index - 1] ?? 2);
    }
    await expect.poll(() => stage.maker.started.includes(requestId)).toBe(true);
    stage.maker.release();
    await stage.inState(requestId, 'COMPLETED');
  });
});
