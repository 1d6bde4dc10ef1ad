import { request } from 'undici';
import { expect, test } from 'vitest';
import { serveTcp } from '../../src/fetching/http/file-server.test-support.ts';
import type { Reply } from './stage/calls.ts';
import { app, endpoints, id, minimal } from './stage/names.ts';
import { onEachDatabase } from './stage/stage.ts';

const fixedFields = ({ status, body }: Reply) => ({ status, body });

await onEachDatabase('A. Routing and proxy', {}, (stage) => {
  const proxied = (target: string, options: Parameters<typeof stage.call>[1] = {}) =>
    stage.call('/fal/proxy', { ...options, headers: { 'x-fal-target-url': target, ...options.headers } });

  test('1 the status is found under the app alone', async () => {
    const requestId = await stage.submit(minimal);
    const { status, body } = await stage.call(`/queue/${app}/requests/${requestId}/status`);
    expect([200, 202]).toContain(status);
    expect(body.request_id).toBe(requestId);
  });

  test.each(endpoints)(
    '2 the status is found under the whole id $endpoint, with the same body',
    async ({ endpoint, least }) => {
      const { body } = await stage.call(`/queue/${endpoint}`, { body: least });
      await stage.inState(body.request_id, 'COMPLETED');
      const underApp = await stage.call(`/queue/${app}/requests/${body.request_id}/status`);
      expect(underApp.status).toBe(200);
      const underId = await stage.call(`/queue/${endpoint}/requests/${body.request_id}/status`);
      expect(fixedFields(underId)).toEqual(fixedFields(underApp));
    },
  );

  test('3 a trailing slash on a status changes nothing and redirects nowhere', async () => {
    await using held = await stage.occupy();
    const [requestId] = held.ids;
    for (const base of [app, id]) {
      const { status, body } = await stage.call(`/queue/${base}/requests/${requestId}/status/?logs=0`);
      expect([status, body.status]).toEqual([202, 'IN_PROGRESS']);
    }
  });

  test('4 a trailing slash on a result changes nothing and redirects nowhere', async () => {
    const requestId = await stage.completed(minimal);
    const plain = await stage.call(`/queue/${app}/requests/${requestId}`);
    expect(plain.status).toBe(200);
    expect(fixedFields(await stage.call(`/queue/${app}/requests/${requestId}/`))).toEqual(fixedFields(plain));
  });

  test('5 /response is the result under another name', async () => {
    const requestId = await stage.completed(minimal);
    const plain = await stage.call(`/queue/${app}/requests/${requestId}`);
    for (const base of [app, id]) {
      const alias = await stage.call(`/queue/${base}/requests/${requestId}/response`);
      expect(fixedFields(alias)).toEqual(fixedFields(plain));
      expect(alias.headers.get('x-fal-billable-units')).toBe(plain.headers.get('x-fal-billable-units'));
    }
  });

  test('6 a request is not found under another app', async () => {
    const requestId = await stage.completed(minimal);
    for (const path of ['status', '', 'response', 'status/stream']) {
      const { status, body } = await stage.call(`/queue/fal-ai/other/requests/${requestId}/${path}`);
      expect([status, body]).toEqual([404, { detail: 'Application "other" not found' }]);
    }
  });

  test('7 proxy: a submit', async () => {
    const { status, body } = await proxied(`https://queue.fal.run/${id}`, { body: minimal });
    expect([status, body.status]).toEqual([200, 'IN_QUEUE']);
    expect(body.status_url).toBe(`https://queue.fal.run/${app}/requests/${body.request_id}/status`);
    await stage.inState(body.request_id, 'COMPLETED');
  });

  test('8 proxy: a direct run', async () => {
    const { status, body } = await proxied(`https://fal.run/${id}`, { body: minimal });
    expect(status).toBe(200);
    expect(Object.keys(body).sort()).toEqual(['prompt', 'seed', 'video']);
  });

  test('9 proxy: a status with logs', async () => {
    const requestId = await stage.completed(minimal);
    const { status, body } = await proxied(`https://queue.fal.run/${app}/requests/${requestId}/status?logs=1`);
    expect([status, body.status]).toEqual([200, 'COMPLETED']);
    expect(body.logs.map(({ message }: { message: string }) => message)).toContain('making A dog');
  });

  test('10 proxy: a cancel', async () => {
    await using held = await stage.occupy();
    const target = `https://queue.fal.run/${app}/requests/${held.ids[0]}/cancel`;
    const { status, body } = await proxied(target, { method: 'PUT', body: {} });
    expect([status, body]).toEqual([202, { status: 'CANCELLATION_REQUESTED' }]);
  });

  test('11 proxy: an upload begins there, and its bytes go to us directly', async () => {
    const { status, body } = await proxied('https://rest.fal.ai/storage/upload/initiate?storage_type=fal-cdn-v3', {
      body: { content_type: 'text/plain', file_name: 'a.txt' },
    });
    expect(status).toBe(200);
    for (const url of [body.upload_url, body.file_url]) expect(new URL(url).origin).toBe(stage.url);
    const put = await fetch(body.upload_url, {
      method: 'PUT',
      body: 'text',
      headers: { 'content-type': 'text/plain' },
    });
    expect(put.status).toBe(200);
    expect(await (await fetch(body.file_url)).text()).toBe('text');
  });

  test('12 proxy: without a target', async () => {
    for (const method of ['GET', 'POST', 'PUT']) {
      const { status, headers, body } = await stage.call('/fal/proxy', { method });
      expect([status, body]).toEqual([400, 'Invalid request']);
      expect(headers.get('content-type')).toContain('application/json');
    }
  });

  test('13 proxy: any other host is refused, and nothing is contacted', async () => {
    let connections = 0;
    await using other = await serveTcp((socket) => {
      connections += 1;
      socket.destroy();
    });
    for (const host of ['https://example.com', other.url, `https://fal.run:${other.port}`]) {
      const target = `${host}/${id}`;
      const { status, body } = await proxied(target, { body: minimal });
      expect([target, status, body]).toEqual([target, 400, 'Invalid request']);
    }
    expect(connections).toBe(0);
  });

  test('14 proxy: hosts that only look like the platform are refused', async () => {
    for (const target of [
      `https://fal.run.example.com/${id}`,
      'https://user@fal.run@example.com/',
      `https://user@fal.run/${id}`,
      `https://fal.run\\@example.com/${id}`,
      `https://xfal.run/${id}`,
      `ftp://fal.run/${id}`,
      'not a url',
    ]) {
      const { status, body } = await proxied(target, { body: minimal });
      // A backslash is a slash in https addresses: this one names a path of the run host that does not exist.
      const expected = target.includes('\\') ? 404 : 400;
      expect([target, status]).toEqual([target, expected]);
      if (expected === 400) expect(body).toBe('Invalid request');
    }
  });

  test('15 a target header on a normal route is ignored', async () => {
    const { status, body } = await stage.run(minimal, { 'x-fal-target-url': `https://queue.fal.run/${id}` });
    expect([status, body.status, body.prompt]).toEqual([200, undefined, 'A dog']);
    const queued = await stage.call(`/queue/${id}`, {
      body: minimal,
      headers: { 'x-fal-target-url': `https://fal.run/${id}` },
    });
    expect([queued.status, queued.body.status]).toEqual([200, 'IN_QUEUE']);
  });

  test('16 proxy: the inner status comes through', async () => {
    const { status, headers, body } = await proxied(`https://fal.run/${id}`, { body: { prompt: 'A dog' } });
    expect(status).toBe(422);
    expect(headers.get('x-fal-billable-units')).toBe('0');
    expect(body.detail.map(({ loc }: { loc: unknown }) => loc)).toEqual([
      ['body', 'audio_url'],
      ['body', 'loras'],
    ]);
  });

  test('17 proxy: a preflight allows what the clients send', async () => {
    const asked = ['authorization', 'content-type', 'x-fal-target-url', 'x-fal-queue-priority'];
    for (const method of ['GET', 'POST', 'PUT']) {
      const reply = await stage.anonymous('/fal/proxy', {
        method: 'OPTIONS',
        headers: {
          origin: 'https://app.example.com',
          'access-control-request-method': method,
          'access-control-request-headers': asked.join(','),
        },
      });
      expect([200, 204]).toContain(reply.status);
      expect(['*', 'https://app.example.com']).toContain(reply.headers.get('access-control-allow-origin'));
      const allowed = listOf(reply, 'access-control-allow-headers');
      for (const name of asked) expect(allowed).toContain(name);
      expect(listOf(reply, 'access-control-allow-methods')).toEqual(expect.arrayContaining(['get', 'post', 'put']));
    }
  });

  test('18 proxy: a cross-origin reply exposes the request id', async () => {
    const reply = await proxied(`https://fal.run/${id}`, {
      body: minimal,
      headers: { origin: 'https://app.example.com' },
    });
    expect(['*', 'https://app.example.com']).toContain(reply.headers.get('access-control-allow-origin'));
    expect(listOf(reply, 'access-control-expose-headers')).toEqual(
      expect.arrayContaining([
        'x-fal-request-id',
        'x-fal-billable-units',
        'x-fal-request-timeout-type',
        'x-fal-error-type',
        'content-type',
      ]),
    );
  });

  test('28 a method that is not served', async () => {
    for (const method of ['DELETE', 'PATCH', 'GET']) {
      const { status, headers, body } = await stage.call(`/run/${id}`, { method });
      expect([method, status]).toEqual([method, 405]);
      expect(headers.get('content-type')).toContain('application/json');
      expect(body.detail).toEqual(expect.any(String));
    }
  });

  test('without a prefix the host tells run from queue, and anything else is a direct run', async () => {
    const submitTo = async (host: string) => {
      const headers = { host, authorization: stage.authorization, 'content-type': 'application/json' };
      const reply = await request(`${stage.url}/${id}`, { method: 'POST', headers, body: JSON.stringify(minimal) });
      return `${reply.statusCode} ${await reply.body.text()}`;
    };
    const { host, port } = new URL(stage.url);
    for (const queue of ['queue.fal.run', `queue.localhost:${port}`]) {
      expect(await submitTo(queue)).toMatch(/^200 .*"IN_QUEUE"/);
    }
    for (const run of ['fal.run', host, `localhost:${port}`]) {
      expect(await submitTo(run)).toMatch(/^200 .*"prompt":"A dog"/);
    }
    // These make no address at all.
    for (const wrong of ['queue.127.0.0.1', '1.2.3.4.5', 'a b']) {
      expect(await submitTo(wrong)).toMatch(/^400 .*"bad_request"/);
    }
  });
});

function listOf(reply: Reply, header: string): readonly string[] {
  const names = reply.headers.get(header)?.toLowerCase().split(',') ?? [];
  return names.map((name) => name.trim());
}
