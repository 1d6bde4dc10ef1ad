import { expect, test } from 'vitest';
import { app, id, minimal } from './stage/names.ts';
import { onEachDatabase } from './stage/stage.ts';

const required = 'Cannot access application "fal-ai/ltx-2-19b". Authentication is required to access this application.';
const wrongFormat = "Invalid Key Authorization header format. Expected '<key_id>:<key_secret>'.";

await onEachDatabase('B. Auth', {}, (stage) => {
  const withCredentials = (authorization: string, path = `/run/${id}`) =>
    stage.anonymous(path, { body: minimal, headers: { authorization } });

  test('29 a run without credentials', async () => {
    const { status, body } = await stage.anonymous(`/run/${id}`, { body: minimal });
    expect([status, body]).toEqual([401, { detail: required }]);
  });

  test('30 a submit without credentials', async () => {
    const { status, body } = await stage.anonymous(`/queue/${id}`, { body: minimal });
    expect([status, body]).toEqual([401, { detail: required }]);
  });

  test('31 a key without a colon', async () => {
    for (const path of [`/run/${id}`, `/queue/${id}`, '/rest/storage/upload/initiate']) {
      const { status, body } = await withCredentials('Key abc', path);
      expect([status, body]).toEqual([401, { detail: wrongFormat }]);
    }
  });

  test('32 a key nobody has, and a wrong secret', async () => {
    const [ownId] = stage.credentials.split(':');
    for (const key of ['wrong:wrong', `${ownId}:wrong`, `${stage.credentials}x`]) {
      const { status, body } = await withCredentials(`Key ${key}`);
      expect([key, status, body]).toEqual([key, 401, { detail: 'No user found for Key ID and Secret' }]);
    }
  });

  test('33 the key `undefined`', async () => {
    const { status, body } = await withCredentials('Key undefined');
    expect([status, body]).toEqual([401, { detail: wrongFormat }]);
  });

  test('34 the REST host without credentials', async () => {
    const { status, body } = await stage.anonymous('/rest/storage/upload/initiate?storage_type=fal-cdn-v3', {
      body: { content_type: 'audio/wav', file_name: 'a.wav' },
    });
    expect([status, body]).toEqual([401, { detail: 'Authorization header is required' }]);
  });

  test('35 of two credentials the first counts', async () => {
    expect((await withCredentials(`${stage.authorization}, Bearer zz`)).status).toBe(200);
    expect((await withCredentials(`Bearer zz, ${stage.authorization}`)).status).toBe(401);
  });

  test('36 a valid token as Bearer, and in the query', async () => {
    const { body: token } = await stage.call('/rest/tokens/', { body: { allowed_apps: ['ltx-2-19b'] } });
    expect((await withCredentials(`Bearer ${token}`)).status).toBe(200);
    expect((await stage.anonymous(`/run/${id}?fal_jwt_token=${token}`, { body: minimal })).status).toBe(200);
    expect((await withCredentials(`Bearer ${token}x`)).status).toBe(401);
    const { body: narrow } = await stage.call('/rest/tokens/', { body: { allowed_apps: ['other'] } });
    expect((await withCredentials(`Bearer ${narrow}`)).status).toBe(403);
  });

  test('37 an unknown app', async () => {
    for (const origin of ['run', 'queue']) {
      const { status, body } = await stage.call(`/${origin}/fal-ai/nope`, { body: minimal });
      expect([status, body]).toEqual([404, { detail: 'Application "nope" not found' }]);
    }
  });

  test('38 a temporary token is a JSON string', async () => {
    for (const path of ['/rest/tokens/', '/rest/tokens']) {
      const { status, headers, body } = await stage.call(path, {
        body: { allowed_apps: ['ltx-2-19b'], token_expiration: 120 },
      });
      expect(status).toBe(200);
      expect(headers.get('content-type')).toContain('application/json');
      expect(body).toMatch(/^[\w-]+\.[\w-]+\.[\w-]+$/);
      const expiry = JSON.parse(Buffer.from(body.split('.')[1], 'base64url').toString()).exp;
      expect(Math.abs(expiry - Date.now() / 1000 - 120)).toBeLessThan(10);
    }
  });

  test('39 a token by the documented route is an object', async () => {
    const { status, body } = await stage.call('/rest/tokens/realtime', {
      body: { allowed_apps: [app], duration: 60 },
    });
    expect([status, Object.keys(body)]).toEqual([200, ['token']]);
    expect((await withCredentials(`Bearer ${body.token}`)).status).toBe(200);
  });

  test('40 a request belongs to its key', async () => {
    const requestId = await stage.completed(minimal);
    const authorization = await stage.newKey('API');
    for (const path of ['', '/status', '/status/stream', '/response']) {
      const at = `/queue/${app}/requests/${requestId}${path}`;
      expect((await stage.call(at)).status).toBe(200);
      const { status, body } = await stage.call(at, { headers: { authorization } });
      expect([status, body]).toEqual([404, { status: 'NOT_FOUND' }]);
    }
    const cancel = `/queue/${app}/requests/${requestId}/cancel`;
    expect((await stage.call(cancel, { method: 'PUT', headers: { authorization } })).status).toBe(404);
  });

  test('41 a 401 is JSON', async () => {
    for (const path of [
      `/run/${id}`,
      `/queue/${id}`,
      '/rest/tokens/',
      '/rest/storage/auth/token',
      '/cdn/files/upload',
      '/v1/models/usage',
    ]) {
      const { status, headers } = await stage.anonymous(path, { method: path.startsWith('/v1') ? 'GET' : 'POST' });
      expect([path, status]).toEqual([path, 401]);
      expect(headers.get('content-type')).toContain('application/json');
    }
  });
});
