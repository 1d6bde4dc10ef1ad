import { expect, test } from 'vitest';
import { cost, megapixels, pricePerMegapixel } from '../../src/contract/price.ts';
import { app, id, minimal, prompted } from './stage/names.ts';
import { onEachDatabase } from './stage/stage.ts';

await onEachDatabase('L. Pricing', {}, (stage) => {
  /** Runs with a key of its own; what was billed for it. */
  const billed = async (input: object) => {
    const authorization = await stage.newKey('API');
    const { headers } = await stage.run(input, { authorization });
    const { body } = await stage.call('/v1/models/usage?expand=summary', { headers: { authorization } });
    const [entry] = body.summary;
    return { header: headers.get('x-fal-billable-units'), quantity: entry?.quantity, dollars: entry?.cost };
  };

  test('158 the example of the price list: 1280 × 720, 121 frames', async () => {
    const clip = { ...minimal, video_size: { width: 1280, height: 720 }, num_frames: 121, match_audio_length: false };
    expect(await billed(clip)).toEqual({ header: '112', quantity: 112, dollars: 0.112 });
  });

  test('159 the default size, 121 frames', async () => {
    const clip = { ...minimal, match_audio_length: false };
    expect(await billed(clip)).toEqual({ header: '96', quantity: 96, dollars: 0.096 });
  });

  test('160 a whole megapixel is one unit, one pixel more is two', () => {
    expect(megapixels(1000, 1000, 1)).toBe(1);
    expect(megapixels(1_000_001, 1, 1)).toBe(2);
    expect(megapixels(1000, 999, 1)).toBe(1);
    const price = pricePerMegapixel(0.001);
    expect([cost(1, price), cost(112, price)]).toEqual([0.001, 0.112]);
  });

  test('161 the price list', async () => {
    const { status, body } = await stage.anonymous(`/v1/models/pricing?endpoint_id=${id}`);
    expect(status).toBe(200);
    expect(body).toEqual({
      prices: [{ endpoint_id: id, unit_price: 0.001, unit: 'megapixels', currency: 'USD' }],
      next_cursor: null,
      has_more: false,
    });
  });

  test('162 failed and cancelled requests cost nothing', async () => {
    const authorization = await stage.newKey('API');
    const headers = { authorization };
    await using _held = await stage.occupy();
    const waiting = await stage.submit(prompted('Hold'), { headers });
    const late = await stage.submit(minimal, { headers: { ...headers, 'x-fal-request-timeout': '0.2' } });
    await stage.inState(late, 'COMPLETED');
    const invalid = await stage.submit({ prompt: 'A dog' }, { headers });
    await stage.call(`/queue/${app}/requests/${waiting}/cancel`, { method: 'PUT', headers });
    stage.maker.release();
    const broken = await stage.completed(prompted('Break'), { headers });
    const running = await stage.submit(prompted('Hold'), { headers });
    await stage.inState(running, 'IN_PROGRESS');
    await stage.call(`/queue/${app}/requests/${running}/cancel`, { method: 'PUT', headers });
    const statuses = [];
    for (const requestId of [waiting, late, invalid, broken, running]) {
      await stage.inState(requestId, 'COMPLETED');
      const result = await stage.call(`/queue/${app}/requests/${requestId}`, { headers });
      statuses.push([result.status, result.headers.get('x-fal-billable-units')]);
    }
    expect(statuses).toEqual([
      [499, '0'],
      [504, '0'],
      [422, '0'],
      [500, '0'],
      [499, '0'],
    ]);
    const { body } = await stage.call('/v1/models/usage?expand=summary', { headers });
    expect(body.summary).toEqual([]);
  });
});
