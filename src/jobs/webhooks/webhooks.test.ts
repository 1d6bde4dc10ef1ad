import { fork } from 'node:child_process';
import { createHash, createPublicKey, verify } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, describe, expect, test } from 'vitest';
import { startDatabases } from '../../../test/support/databases/databases.ts';
import type { DatabaseOptions } from '../../database/open-database.ts';
import { readConfiguration } from '../../shared/configuration.ts';
import { openJobs, submission, type TestJobs } from '../jobs.test-support.ts';
import { openWebhooks, type Webhooks } from './webhooks.ts';

const databases = await startDatabases();
afterAll(() => databases[Symbol.asyncDispose]());

interface Delivery {
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

type Receiver = AsyncDisposable & { readonly url: string; readonly deliveries: Delivery[] };

/** Answers each delivery with the next status; the last one is repeated, 0 means no answer at all. */
function receiver(...statuses: number[]): Promise<Receiver> {
  return slowReceiver(0, ...statuses);
}

async function slowReceiver(milliseconds: number, ...statuses: number[]): Promise<Receiver> {
  const deliveries: Delivery[] = [];
  const server = createServer(async (request, response) => {
    deliveries.push({ headers: request.headers, body: await buffer(request) });
    const status = statuses.length > 1 ? statuses.shift() : statuses[0];
    if (milliseconds > 0) await sleep(milliseconds);
    if (status) response.writeHead(status, { location: '/elsewhere' }).end('x'.repeat(100));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook?a=b`,
    deliveries,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

function webhooks({ database, files, logger }: TestJobs, settings: Record<string, string> = {}): Promise<Webhooks> {
  const configuration = readConfiguration({ SOUNDSTAGE_ALLOW_PRIVATE_HOSTS: '127.0.0.1', ...settings });
  return openWebhooks({ configuration, database, files, logger });
}

/** Has another process deliver webhooks, and kills it once a delivery has arrived. */
async function killDuringDelivery(options: DatabaseOptions, { deliveries }: Receiver): Promise<void> {
  const child = fork(new URL('./sender-process.test-support.ts', import.meta.url), [JSON.stringify(options)]);
  const exited = once(child, 'exit');
  try {
    await expect.poll(() => deliveries.length, { timeout: 20_000 }).toBe(1);
  } finally {
    child.kill('SIGKILL');
    await exited;
  }
}

function isSigned({ headers, body }: Delivery, { publicKeys }: Webhooks): boolean {
  const digest = createHash('sha256').update(body).digest('hex');
  const names = ['request-id', 'user-id', 'timestamp'].map((name) => headers[`x-fal-webhook-${name}`]);
  const signature = Buffer.from(String(headers['x-fal-webhook-signature']), 'hex');
  const [key] = publicKeys.keys;
  const publicKey = createPublicKey({ key: { ...key }, format: 'jwk' });
  return verify(null, Buffer.from([...names, digest].join('\n')), publicKey, signature);
}

describe.each(databases.kinds)('webhooks (%s)', (kind) => {
  test('tell a success and a failure, signed', async () => {
    await using jobs = await openJobs(await databases.newDatabase(kind));
    await using sender = await webhooks(jobs);
    await using target = await receiver(200);
    await jobs.worker();
    const good = await jobs.requests.submit(submission({ owner: 'key-1', webhook: target.url }));
    await expect.poll(() => target.deliveries.length, { timeout: 5000 }).toBe(1);
    const bad = await jobs.requests.submit(submission({ webhook: target.url }, { fps: 61 }));
    await expect.poll(() => target.deliveries.length, { timeout: 5000 }).toBe(2);

    const [first, second] = target.deliveries;
    if (first === undefined || second === undefined) throw new Error('two deliveries');
    expect(JSON.parse(first.body.toString())).toEqual({
      request_id: good.id,
      gateway_request_id: good.id,
      status: 'OK',
      payload: (await jobs.requests.outcome(good.id, 'http://localhost/cdn'))?.body,
    });
    expect(JSON.parse(second.body.toString())).toMatchObject({
      request_id: bad.id,
      status: 'ERROR',
      error: 'Invalid status code: 422',
      payload: { detail: [{ loc: ['body', 'fps'] }] },
    });
    expect(first.headers).toMatchObject({
      'content-type': 'application/json',
      'x-fal-webhook-request-id': good.id,
      'x-fal-webhook-user-id': 'key-1',
    });
    const age = Date.now() / 1000 - Number(first.headers['x-fal-webhook-timestamp']);
    expect(Math.abs(age)).toBeLessThan(60);
    expect(isSigned(first, sender)).toBe(true);
    expect(isSigned({ ...first, body: Buffer.concat([first.body, Buffer.from(' ')]) }, sender)).toBe(false);
    expect(Buffer.from(sender.publicKeys.keys[0]?.x ?? '', 'base64url')).toHaveLength(32);
    await expect.poll(() => jobs.database.boss.findJobs('webhooks')).toEqual([]);
  });

  test('are repeated until they are accepted, signed anew, also by the next process', async () => {
    const options = await databases.newDatabase(kind);
    await using target = await receiver(500, 404, 204);
    let id = '';
    {
      await using jobs = await openJobs(options);
      await using _sender = await webhooks(jobs);
      ({ id } = await jobs.requests.submit(submission({ webhook: target.url }, { fps: 0 })));
      await expect.poll(() => target.deliveries.length, { timeout: 5000 }).toBe(1);
    }
    await using jobs = await openJobs(options);
    await using sender = await webhooks(jobs);
    await expect.poll(() => target.deliveries.length, { timeout: 20_000 }).toBe(3);
    expect(target.deliveries.map((delivery) => isSigned(delivery, sender))).toEqual([true, true, true]);
    expect((await jobs.requests.logs(id)).map(({ message }) => message)).toEqual([
      'the webhook was not delivered yet: the receiver answered 500',
      'the webhook was not delivered yet: the receiver answered 404',
    ]);
    await expect.poll(() => jobs.database.boss.findJobs('webhooks')).toEqual([]);
  });

  test('of a killed process are repeated within 15 s, uncounted; those of a living one are left to it', async () => {
    const options = await databases.newDatabase(kind);
    await using target = await receiver(0, 500, 200);
    // Longer than a dead process may be silent, shorter than a first attempt may last. Embedded, none is waited for.
    await using slow = await slowReceiver(kind === 'embedded' ? 0 : 14_000, 200);
    let id = '';
    {
      await using jobs = await openJobs(options);
      ({ id } = await jobs.requests.submit(submission({ webhook: target.url }, { fps: 0 })));
    }
    await killDuringDelivery(options, target);
    const killed = performance.now();
    await using jobs = await openJobs(options);
    await jobs.housekeeping();
    await using _sender = await webhooks(jobs);
    const patient = await jobs.requests.submit(submission({ webhook: slow.url }, { fps: 0 }));
    await expect.poll(() => target.deliveries.length, { timeout: 30_000 }).toBe(2);
    expect(performance.now() - killed).toBeLessThan(16_000);
    await expect
      .poll(() => jobs.database.boss.findJobs('webhooks', { data: { request: id } }))
      .toMatchObject([{ state: 'retry', retryCount: 0 }]);
    await expect.poll(() => jobs.database.boss.findJobs('webhooks'), { timeout: 20_000 }).toEqual([]);
    expect(target.deliveries).toHaveLength(3);
    expect(slow.deliveries).toHaveLength(1);
    expect(await jobs.requests.logs(patient.id)).toEqual([]);
  });

  test('under way when the sender stops are repeated by the next one, uncounted', async () => {
    await using jobs = await openJobs(await databases.newDatabase(kind));
    await using target = await receiver(0);
    const { id } = await jobs.requests.submit(submission({ webhook: target.url }, { fps: 0 }));
    {
      await using _sender = await webhooks(jobs);
      await expect.poll(() => target.deliveries.length, { timeout: 5000 }).toBe(1);
    }
    expect(await jobs.database.boss.findJobs('webhooks')).toMatchObject([{ state: 'created', retryCount: 0 }]);
    await using _next = await webhooks(jobs);
    await expect.poll(() => target.deliveries.length, { timeout: 5000 }).toBe(2);
    expect(await jobs.requests.logs(id)).toEqual([]);
  });

  test('are given up after a redirect', async () => {
    await using jobs = await openJobs(await databases.newDatabase(kind));
    await using _sender = await webhooks(jobs);
    await using target = await receiver(302);
    const { id } = await jobs.requests.submit(submission({ webhook: target.url }, { fps: 0 }));
    await expect.poll(async () => (await jobs.requests.logs(id)).length, { timeout: 5000 }).toBe(1);
    await expect.poll(() => jobs.database.boss.findJobs('webhooks'), { timeout: 5000 }).toEqual([]);
    expect(target.deliveries).toHaveLength(1);
  });

  test('are not sent to a private address, which does not hurt the request', async () => {
    await using jobs = await openJobs(await databases.newDatabase(kind));
    await using _sender = await webhooks(jobs, { SOUNDSTAGE_ALLOW_PRIVATE_HOSTS: 'example.com' });
    await using target = await receiver(200);
    const { id } = await jobs.requests.submit(submission({ webhook: target.url }, { fps: 0 }));
    await expect.poll(async () => (await jobs.requests.logs(id)).length, { timeout: 5000 }).toBe(1);
    await expect.poll(() => jobs.database.boss.findJobs('webhooks'), { timeout: 5000 }).toEqual([]);
    expect(target.deliveries).toEqual([]);
    expect(await jobs.requests.status(id)).toMatchObject({ statusCode: 422 });
  });

  test('of a receiver that hangs do not hold up others', async () => {
    await using jobs = await openJobs(await databases.newDatabase(kind));
    await using _sender = await webhooks(jobs);
    await using hanging = await receiver(0);
    await using target = await receiver(200);
    const submit = (webhook: string) => jobs.requests.submit(submission({ webhook }, { fps: 0 }));
    await Promise.all(Array.from({ length: 40 }, () => submit(hanging.url)));
    await Promise.all(Array.from({ length: 20 }, () => submit(target.url)));
    await expect.poll(() => target.deliveries.length, { timeout: 10_000 }).toBe(20);
    expect(hanging.deliveries.length).toBeLessThanOrEqual(4);
  });

  test('of one owner, to several receivers that hang, do not hold up those of another', async () => {
    await using jobs = await openJobs(await databases.newDatabase(kind));
    await using _sender = await webhooks(jobs);
    await using stack = new AsyncDisposableStack();
    const hanging = await Promise.all(Array.from({ length: 6 }, async () => stack.use(await receiver(0))));
    await using target = await receiver(200);
    const submit = (owner: string, webhook: string) => jobs.requests.submit(submission({ owner, webhook }, { fps: 0 }));
    const delivered = (): number => hanging.reduce((sum, { deliveries }) => sum + deliveries.length, 0);
    await Promise.all(hanging.flatMap(({ url }) => Array.from({ length: 6 }, () => submit('hostile', url))));
    await expect.poll(delivered, { timeout: 10_000 }).toBe(16);
    await Promise.all(Array.from({ length: 20 }, () => submit('other', target.url)));
    await expect.poll(() => target.deliveries.length, { timeout: 10_000 }).toBe(20);
    expect(delivered()).toBe(16);
  });
});

test('keys can be written with padding', async () => {
  await using jobs = await openJobs(await databases.newDatabase('embedded'));
  await using sender = await webhooks(jobs, { SOUNDSTAGE_PADDED_JWKS: '1' });
  expect(sender.publicKeys.keys[0]?.x).toMatch(/^[\w-]{43}=$/);
});
