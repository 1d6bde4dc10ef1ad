import { createHash, createPublicKey, verify } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTestServer } from '../support/server.ts';
import { call } from './stage/calls.ts';
import { id, minimal, prompted } from './stage/names.ts';
import { onEachDatabase, type Stage } from './stage/stage.ts';
import { type Delivery, type Receiver, startReceiver } from './stage/webhook-receiver.ts';

/** Seconds that the first attempt waits for an answer. */
const firstLimit = 15;

await onEachDatabase('H. Webhooks', {}, (stage) => {
  let receiver: Receiver;
  beforeAll(async () => {
    receiver = await startReceiver((response, path, count) => {
      if (path === '/hangs-once' && count === 1) return;
      const isFailure = path === '/fails-once' && count === 1;
      if (path === '/moved') response.writeHead(302, { location: `${receiver.url}/elsewhere` });
      else response.writeHead(isFailure ? 500 : 204);
      response.end();
    });
    // The slow ones go on while the other tests run.
    for (const path of ['/hangs-once', '/moved', '/fails-once']) await submitTo(path);
  });
  afterAll(() => receiver[Symbol.asyncDispose]());

  const submitTo = (path: string, input: unknown = minimal): Promise<string> =>
    stage.submit(input, { query: `?fal_webhook=${encodeURIComponent(receiver.url + path)}` });

  const delivered = async (path: string, count = 1): Promise<Delivery> => {
    await expect.poll(() => receiver.to(path).length, { timeout: 30_000 }).toBeGreaterThanOrEqual(count);
    const delivery = receiver.to(path)[count - 1];
    if (delivery === undefined) throw new Error(`nothing came to ${path}`);
    return delivery;
  };

  test('102 a success is announced once, with the output', async () => {
    const requestId = await submitTo('/success');
    const { headers, body } = await delivered('/success');
    expect(headers['content-type']).toContain('application/json');
    const { body: output } = await stage.result(requestId);
    expect(JSON.parse(body.toString())).toEqual({
      request_id: requestId,
      gateway_request_id: requestId,
      status: 'OK',
      payload: output,
    });
    await sleep(2000);
    expect(receiver.to('/success')).toHaveLength(1);
  });

  test('103 a failure is announced with its error and detail', async () => {
    for (const [path, input, status, type] of [
      ['/invalid', { ...minimal, num_frames: 8 }, 422, 'greater_than_equal'],
      ['/broken', prompted('Break'), 500, 'internal_server_error'],
    ] as const) {
      const requestId = await submitTo(path, input);
      const { body } = await delivered(path);
      expect(JSON.parse(body.toString())).toEqual({
        request_id: requestId,
        gateway_request_id: requestId,
        status: 'ERROR',
        error: `Invalid status code: ${status}`,
        payload: { detail: [expect.objectContaining({ type, msg: expect.any(String) })] },
      });
    }
  });

  test('104 the four headers', async () => {
    const requestId = await submitTo('/headers');
    const { headers } = await delivered('/headers');
    expect(headers['x-fal-webhook-request-id']).toBe(requestId);
    expect(headers['x-fal-webhook-user-id']).toBe(stage.credentials.split(':')[0]);
    expect(headers['x-fal-webhook-timestamp']).toMatch(/^\d+$/);
    expect(Math.abs(Number(headers['x-fal-webhook-timestamp']) - Date.now() / 1000)).toBeLessThan(300);
    expect(headers['x-fal-webhook-signature']).toMatch(/^[0-9a-f]{128}$/);
  });

  test('105 the signature verifies with a published key', async () => {
    await submitTo('/signed');
    expect(await isSigned(stage, await delivered('/signed'))).toBe(true);
  });

  test('106 with one byte changed it does not verify', async () => {
    await submitTo('/changed');
    const delivery = await delivered('/changed');
    for (const position of [0, delivery.body.length >> 1, delivery.body.length - 1]) {
      const body = Buffer.from(delivery.body);
      body[position] = (body[position] ?? 0) ^ 1;
      expect(await isSigned(stage, { ...delivery, body })).toBe(false);
    }
    for (const name of ['request-id', 'user-id', 'timestamp']) {
      const headers = { ...delivery.headers, [`x-fal-webhook-${name}`]: '1' };
      expect(await isSigned(stage, { ...delivery, headers })).toBe(false);
    }
  });

  test('107 the published keys', async () => {
    for (const path of ['/rest/.well-known/jwks.json', '/.well-known/jwks.json']) {
      const { status, body } = await stage.anonymous(path);
      expect(status).toBe(200);
      expect(body.keys).toHaveLength(1);
      for (const key of body.keys) {
        expect(key).toMatchObject({ kty: 'OKP', crv: 'Ed25519', x: expect.stringMatching(/^[\w-]{43}$/) });
        expect(key).not.toHaveProperty('d');
        expect(Buffer.from(key.x, 'base64url')).toHaveLength(32);
      }
    }
  });

  test('108 after a 500 it is delivered again, signed anew', async () => {
    const again = await delivered('/fails-once', 2);
    expect(await isSigned(stage, again)).toBe(true);
    const [first] = receiver.to('/fails-once');
    expect(again.body.equals(first?.body ?? Buffer.alloc(0))).toBe(true);
    expect(again.headers['x-fal-webhook-timestamp']).not.toBe(first?.headers['x-fal-webhook-timestamp']);
  });

  test('109 a 302 is neither followed nor tried again', async () => {
    await delivered('/moved');
    // The other one, which began later, was tried again by now.
    await delivered('/fails-once', 2);
    expect(receiver.to('/moved')).toHaveLength(1);
    expect(receiver.to('/elsewhere')).toHaveLength(0);
  });

  test('111 a private receiver is not contacted unless it is allowed, and the request is none the worse', async () => {
    const { dataFolder, databaseUrl = '' } = await stage.databases.newDatabase(stage.kind);
    const settings = { DATABASE_URL: databaseUrl, SOUNDSTAGE_ALLOW_PRIVATE_HOSTS: '' };
    await using guarded = await startTestServer({ maker: stage.maker, dataFolder, settings });
    for (const host of [receiver.url, receiver.url.replace('127.0.0.1', 'localhost')]) {
      const hook = encodeURIComponent(`${host}/guarded`);
      const { body } = await call(`${guarded.url}/queue/${id}?fal_webhook=${hook}`, { body: minimal });
      await expect
        .poll(async () => (await call(`${body.status_url}?logs=1`)).body, { timeout: 10_000 })
        .toMatchObject({
          status: 'COMPLETED',
          logs: expect.arrayContaining([
            expect.objectContaining({ message: expect.stringContaining('the webhook was not delivered') }),
          ]),
        });
      expect((await call(body.response_url)).status).toBe(200);
    }
    expect(receiver.to('/guarded')).toHaveLength(0);
  });

  test('112 a cancelled request is announced once, as an error', async () => {
    await using held = await stage.occupy();
    const requestId = await submitTo('/cancelled');
    await stage.cancel(requestId);
    const { body } = await delivered('/cancelled');
    expect(JSON.parse(body.toString())).toMatchObject({
      request_id: requestId,
      status: 'ERROR',
      error: 'Invalid status code: 499',
      payload: { error_type: 'client_cancelled' },
    });
    const running = await submitTo('/cancelled-running', prompted('Hold'));
    for (const other of held.ids) stage.maker.release(other);
    await stage.inState(running, 'IN_PROGRESS');
    await stage.cancel(running);
    await delivered('/cancelled-running');
    await sleep(2000);
    expect(receiver.to('/cancelled')).toHaveLength(1);
    expect(receiver.to('/cancelled-running')).toHaveLength(1);
  });

  test('110 a receiver that hangs is given up after 15 s and tried again', async () => {
    const first = await delivered('/hangs-once');
    const second = await delivered('/hangs-once', 2);
    const limit = ((first.abandonedAt ?? Number.NaN) - first.at) / 1000;
    expect(limit).toBeGreaterThan(firstLimit - 1);
    expect(limit).toBeLessThan(firstLimit + 2);
    expect(second.at).toBeGreaterThan(first.abandonedAt ?? Number.POSITIVE_INFINITY);
    expect(await isSigned(stage, second)).toBe(true);
  });
});

/** As a receiver checks it, by the documentation. */
async function isSigned(stage: Stage, { headers, body }: Pick<Delivery, 'headers' | 'body'>): Promise<boolean> {
  const { body: published } = await stage.anonymous('/rest/.well-known/jwks.json');
  const header = (name: string): string => String(headers[`x-fal-webhook-${name}`]);
  const digest = createHash('sha256').update(body).digest('hex');
  const message = Buffer.from([header('request-id'), header('user-id'), header('timestamp'), digest].join('\n'));
  const signature = Buffer.from(header('signature'), 'hex');
  return published.keys.some(({ x }: { x: string }) => {
    const key = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' });
    return verify(null, message, key, signature);
  });
}
