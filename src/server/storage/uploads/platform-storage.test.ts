import { afterAll, expect, test } from 'vitest';
import { startTestServer } from '../../../../test/support/server.ts';

const server = await startTestServer({ settings: { SOUNDSTAGE_AUTH: 'keys' } });
afterAll(() => server[Symbol.asyncDispose]());

async function newKey(): Promise<{ authorization: string }> {
  const { id, secret } = await server.keys.create({ name: 'test', scope: 'API' });
  return { authorization: `Key ${id}:${secret}` };
}

async function call(method: string, path: string, url: string, headers: Record<string, string>, body?: unknown) {
  const reply = await fetch(`${server.url}/v1/storage/files/${path}?url=${encodeURIComponent(url)}`, {
    method,
    headers,
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return { status: reply.status, body: (await reply.json()) as Record<string, unknown> };
}

test('the owner of a file reads and changes its access, and signs links', async () => {
  const [ann, bob] = [await newKey(), await newKey()];
  const uploaded = await fetch(`${server.url}/cdn/files/upload`, { method: 'POST', headers: ann, body: 'hello' });
  const { access_url: url } = (await uploaded.json()) as { access_url: string };
  expect(await call('GET', 'acl', url, ann)).toEqual({ status: 200, body: { default: 'allow', rules: [] } });
  const acl = { default: 'forbid', rules: [{ user: 'x', decision: 'allow' }] };
  expect(await call('PUT', 'acl', url, ann, acl)).toEqual({ status: 200, body: acl });
  expect(await call('GET', 'acl', url, ann)).toEqual({ status: 200, body: acl });
  expect((await fetch(url)).status).toBe(403);
  const { body } = await call('POST', 'sign', url, ann, { expiration_seconds: 60 });
  expect(await (await fetch(String(body.signed_url))).text()).toBe('hello');

  for (const [method, path, sent] of [
    ['GET', 'acl', undefined],
    ['PUT', 'acl', { default: 'allow' }],
    ['POST', 'sign', { expiration_seconds: 60 }],
  ] as const) {
    expect((await call(method, path, url, bob, sent)).status).toBe(404);
    expect((await call(method, path, 'nonsense', ann, sent)).status).toBe(404);
    expect((await call(method, path, url, {}, sent)).status).toBe(401);
  }
  for (const wrong of [{ default: 'deny' }, { rules: 1 }, []]) {
    expect((await call('PUT', 'acl', url, ann, wrong)).status).toBe(400);
  }
  expect((await call('POST', 'sign', url, ann, { expiration_seconds: 604_801 })).status).toBeGreaterThanOrEqual(400);
  expect((await fetch(url)).status).toBe(403);
});
