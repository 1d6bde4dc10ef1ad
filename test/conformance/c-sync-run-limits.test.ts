import { expect, test } from 'vitest';
import { id, minimal, prompted } from './stage/names.ts';
import { onEachDatabase } from './stage/stage.ts';

await onEachDatabase('C. Limits of sync runs', { settings: { SOUNDSTAGE_MAX_CONCURRENT_RUNS: '3' } }, (stage) => {
  test('50 a start timeout that runs out while every worker is busy', async () => {
    await using _held = await stage.occupy();
    for (const name of ['x-fal-request-timeout', 'x-fal-request-start-timeout']) {
      const started = performance.now();
      const { status, headers, body } = await stage.run(minimal, { [name]: '0.2' });
      expect([status, body]).toEqual([504, { detail: expect.any(String), error_type: 'request_timeout' }]);
      expect(headers.get('x-fal-request-timeout-type')).toBe('user');
      expect(headers.get('x-fal-error-type')).toBe('request_timeout');
      expect(headers.get('x-fal-billable-units')).toBe('0');
      expect(performance.now() - started).toBeGreaterThan(190);
      expect(performance.now() - started).toBeLessThan(3000);
    }
  });

  test('50 of two start timeouts the newer one wins', async () => {
    await using _held = await stage.occupy();
    const { status } = await stage.run(minimal, {
      'x-fal-request-timeout': '600',
      'x-fal-request-start-timeout': '0.2',
    });
    expect(status).toBe(504);
  });

  test('51 a start timeout that is none', async () => {
    for (const value of ['abc', '0.1', '0', '-1', 'NaN', 'Infinity', '1s']) {
      const { status, headers, body } = await stage.run(minimal, { 'x-fal-request-timeout': value });
      expect([value, status, body.error_type]).toEqual([value, 400, 'bad_request']);
      expect(headers.get('x-fal-error-type')).toBe('bad_request');
      const queued = await stage.call(`/queue/${id}`, { body: minimal, headers: { 'x-fal-request-timeout': value } });
      expect(queued.status).toBe(400);
    }
  });

  test('52 a start timeout in the spelling of either client', async () => {
    for (const value of ['30.0', '30']) {
      expect((await stage.run(minimal, { 'x-fal-request-timeout': value })).status).toBe(200);
    }
  });

  test('53 more runs at a time than are allowed', async () => {
    await using held = await stage.occupy();
    const runs = ['Hold 1', 'Hold 2', 'Hold 3'].map((prompt) => stage.run(prompted(prompt)));
    await expect
      .poll(() => stage.server.requests.counts(), { timeout: 10_000 })
      .toEqual({ waiting: 3, running: held.ids.length });
    const { status, headers, body } = await stage.run(minimal);
    expect([status, body.error_type]).toEqual([429, 'concurrent_requests_limit']);
    expect(headers.get('x-fal-needs-retry')).toBe('1');
    // Others may, and so may the same caller in the queue.
    const authorization = await stage.newKey('API');
    const other = stage.run(minimal, { authorization });
    const queued = await stage.submit(minimal);
    let replied = 0;
    for (const run of runs) void run.then(() => (replied += 1));
    await expect
      .poll(
        () => {
          stage.maker.release();
          return replied;
        },
        { timeout: 20_000 },
      )
      .toBe(3);
    for (const run of runs) expect((await run).status).toBe(200);
    expect((await other).status).toBe(200);
    await stage.inState(queued, 'COMPLETED');
    expect((await stage.run(minimal)).status).toBe(200);
  });
});
