import { expect, test } from 'vitest';
import { cost, megapixels, pricePerMegapixel } from '../../src/contract/price.ts';
import { app, endpoints, id, minimal, plainId, prompted } from './stage/names.ts';
import { onEachDatabase } from './stage/stage.ts';

await onEachDatabase('L. Pricing', {}, (stage) => {
  /** Runs with a key of its own; what was billed for it. */
  const billed = async (input: object, endpoint = id) => {
    const authorization = await stage.newKey('API');
    const { headers } = await stage.run(input, { authorization }, endpoint);
    const { body } = await stage.call('/v1/models/usage?expand=summary', { headers: { authorization } });
    const [entry] = body.summary;
    return { header: headers.get('x-fal-billable-units'), quantity: entry?.quantity, dollars: entry?.cost };
  };

  test.each(endpoints)(
    '158 $endpoint: the example of the price list, 1280 × 720, 121 frames',
    async ({ endpoint, least, unitPrice }) => {
      const clip = { ...least, video_size: { width: 1280, height: 720 }, num_frames: 121, match_audio_length: false };
      expect(await billed(clip, endpoint)).toEqual({ header: '112', quantity: 112, dollars: 112 * unitPrice });
    },
  );

  test('each endpoint is billed, listed and estimated by itself', async () => {
    const headers = { authorization: await stage.newKey('API') };
    const ids: Record<string, string | null> = {};
    for (const endpoint of [id, plainId]) {
      const clip = { ...minimal, video_size: { width: 1000, height: 1000 }, num_frames: 10, match_audio_length: false };
      ids[endpoint] = (await stage.run(clip, headers, endpoint)).headers.get('x-fal-request-id');
    }
    const used = async (query: string) => {
      const { body } = await stage.call(`/v1/models/usage?expand=summary${query}`, { headers });
      return body.summary.map((entry: Record<string, unknown>) => [
        entry.endpoint_id,
        entry.quantity,
        entry.unit_price,
        entry.cost,
      ]);
    };
    const [first, second] = [
      [id, 10, 0.001, 0.01],
      [plainId, 10, 0.0008, 0.008],
    ];
    expect(await used('')).toEqual(expect.arrayContaining([first, second]));
    expect(await used(`&endpoint_id=${plainId}`)).toEqual([second]);
    expect(await used('&endpoint_id=fal-ai/nothing')).toEqual([]);
    const listed = async (query: string) => {
      const { body } = await stage.call(`/v1/models/requests/by-endpoint?endpoint_id=${query}`, { headers });
      const items = body.items.map((item: Record<string, unknown>) => [item.endpoint_id, item.request_id]);
      return { items, cursor: body.next_cursor };
    };
    const [older, newer] = [
      [id, ids[id]],
      [plainId, ids[plainId]],
    ];
    expect(await listed(plainId)).toEqual({ items: [newer], cursor: null });
    expect(await listed(`${id},${plainId}`)).toEqual({ items: [newer, older], cursor: null });
    const { items, cursor } = await listed(`${id},${plainId}&limit=1`);
    expect(items).toEqual([newer]);
    expect(await listed(`${id},${plainId}&limit=1&cursor=${cursor}`)).toEqual({ items: [older], cursor: null });
    for (const [estimateType, quantity] of [
      ['unit_price', 'unit_quantity'],
      ['historical_api_price', 'call_quantity'],
    ] as const) {
      const asked = { [id]: { [quantity]: 10 }, [plainId]: { [quantity]: 10 } };
      const body = { estimate_type: estimateType, endpoints: asked };
      const reply = await stage.call('/v1/models/pricing/estimate', { body, headers });
      expect(reply.body.total_cost).toBe(estimateType === 'unit_price' ? 0.018 : 0.18);
    }
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

  test.each(endpoints)('161 the price list of $endpoint', async ({ endpoint, unitPrice }) => {
    const { status, body } = await stage.anonymous(`/v1/models/pricing?endpoint_id=${endpoint}`);
    expect(status).toBe(200);
    expect(body).toEqual({
      prices: [{ endpoint_id: endpoint, unit_price: unitPrice, unit: 'megapixels', currency: 'USD' }],
      next_cursor: null,
      has_more: false,
    });
  });

  test('161 models and prices are listed in one order, all where none is named', async () => {
    for (const [path, list] of [
      ['/v1/models', 'models'],
      ['/v1/models/pricing', 'prices'],
    ] as const) {
      const { body } = await stage.anonymous(path);
      const listed = body[list].map((entry: { endpoint_id: string }) => entry.endpoint_id);
      expect(listed).toEqual(endpoints.map(({ endpoint }) => endpoint));
    }
    const { body } = await stage.anonymous('/v1/models?q=custom+lora');
    expect(body.models.map((entry: { endpoint_id: string }) => entry.endpoint_id)).toEqual([id]);
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
