import { randomBytes } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { recording, smallClip } from '../support/endpoint.ts';
import { expectPlayable } from '../support/media/playable.ts';
import { onEachDatabase } from './stage/stage.ts';

const megabyte = 2 ** 20;

await onEachDatabase('I. Storage', { maker: 'pipeline' }, (stage) => {
  const initiate = async (route = 'initiate?storage_type=fal-cdn-v3', headers = {}) => {
    const { status, body } = await stage.call(`/rest/storage/upload/${route}`, {
      body: { content_type: 'audio/mpeg', file_name: '1772600000000.mpeg' },
      headers,
    });
    expect(status).toBe(200);
    return body as { readonly upload_url: string; readonly file_url: string };
  };

  const cdnToken = async (): Promise<string> => {
    const { body } = await stage.call('/rest/storage/auth/token?storage_type=fal-cdn-v3', { body: {} });
    return `${body.token_type} ${body.token}`;
  };

  const put = (url: string, body: Uint8Array, headers = {}) =>
    stage.anonymous(url, { method: 'PUT', body, headers: { 'content-type': 'audio/mpeg', ...headers } });

  /** Parts go below the path, with the query kept. */
  const below = (uploadUrl: string, path: string): string => uploadUrl.replace('?', `/${path}?`);

  test('113 an upload begins with two absolute addresses', async () => {
    const body = await initiate();
    expect(Object.keys(body).sort()).toEqual(['file_url', 'upload_url']);
    for (const url of Object.values(body)) expect(new URL(url).origin).toBe(stage.url);
  });

  test('114 the bytes are put without credentials, and come back as they were', async () => {
    const { upload_url, file_url } = await initiate();
    const bytes = randomBytes(100_000);
    expect((await put(upload_url, bytes)).status).toBe(200);
    const reply = await fetch(file_url);
    expect([reply.status, reply.headers.get('content-type')]).toEqual([200, 'audio/mpeg']);
    expect(reply.headers.get('content-length')).toBe('100000');
    expect(Buffer.from(await reply.arrayBuffer()).equals(bytes)).toBe(true);
  });

  test('115 without its signature an upload address is worth nothing', async () => {
    const { upload_url, file_url } = await initiate();
    const other = await initiate();
    const bare = new URL(upload_url);
    bare.search = '';
    expect([401, 403]).toContain((await put(bare.href, randomBytes(10))).status);
    bare.search = '?token=a.b.c';
    expect([401, 403]).toContain((await put(bare.href, randomBytes(10))).status);
    bare.search = new URL(other.upload_url).search;
    expect((await put(bare.href, randomBytes(10))).status).toBeGreaterThanOrEqual(400);
    expect((await fetch(file_url)).status).toBe(404);
  });

  test('116 an upload in parts: each part answers its number and etag', async () => {
    const { upload_url } = await initiate('initiate-multipart?storage_type=fal-cdn-v3');
    const { status, headers, body } = await put(below(upload_url, '1'), randomBytes(1000));
    expect(status).toBe(200);
    expect(headers.get('content-type')).toContain('application/json');
    expect(body).toEqual({ partNumber: 1, etag: expect.stringMatching(/./) });
  });

  test('117 completed, it is the parts in their order', async () => {
    const { upload_url, file_url } = await initiate('initiate-multipart?storage_type=fal-cdn-v3');
    const parts = [randomBytes(10 * megabyte), randomBytes(10 * megabyte), randomBytes(3000)];
    const answers = [];
    for (const [index, part] of parts.entries())
      answers.push((await put(below(upload_url, `${index + 1}`), part)).body);
    const { status, headers } = await stage.anonymous(below(upload_url, 'complete'), { body: { parts: answers } });
    expect([200, 201]).toContain(status);
    expect(headers.get('content-type')).toContain('application/json');
    const stored = Buffer.from(await (await fetch(file_url)).arrayBuffer());
    expect(stored.equals(Buffer.concat(parts))).toBe(true);
  });

  test('118 of a part that is sent twice the last one counts', async () => {
    const { upload_url, file_url } = await initiate('initiate-multipart?storage_type=fal-cdn-v3');
    await put(below(upload_url, '1'), Buffer.from('first '));
    const { body: first } = await put(below(upload_url, '1'), Buffer.from('second '));
    const { body: second } = await put(below(upload_url, '2'), Buffer.from('part'));
    await stage.anonymous(below(upload_url, 'complete'), { body: { parts: [first, second] } });
    expect(await (await fetch(file_url)).text()).toBe('second part');
  });

  test('119 a token of the file server, in the form that every Python reads', async () => {
    const { status, body } = await stage.call('/rest/storage/auth/token?storage_type=fal-cdn-v3', { body: {} });
    expect(status).toBe(200);
    expect(Object.keys(body).sort()).toEqual(['base_url', 'expires_at', 'token', 'token_type']);
    expect(body.expires_at).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00$/);
    expect(new Date(body.expires_at).getTime()).toBeGreaterThan(Date.now() + 60_000);
    expect(body.token_type).toBe('Bearer');
    expect(new URL(body.base_url).origin).toBe(stage.url);
  });

  test('120 an upload with that token', async () => {
    const bytes = randomBytes(5000);
    const upload = (authorization: string) =>
      stage.anonymous('/cdn/files/upload', {
        body: bytes,
        headers: { authorization, 'content-type': 'audio/wav', 'x-fal-file-name': 'a.wav' },
      });
    const { status, body } = await upload(await cdnToken());
    expect([status, Object.keys(body)]).toEqual([200, ['access_url']]);
    const reply = await fetch(body.access_url);
    expect(reply.headers.get('content-type')).toBe('audio/wav');
    expect(Buffer.from(await reply.arrayBuffer()).equals(bytes)).toBe(true);
    expect((await upload('Bearer nonsense')).status).toBe(401);
  });

  test('121 file names are made harmless', async () => {
    const authorization = await cdnToken();
    const before = await readdir(stage.server.dataFolder);
    for (const name of [
      '../../etc/passwd',
      '/etc/passwd',
      '..\\..\\x.wav',
      'Füße 音.wav',
      'a%2f..%2fb.wav',
      '..',
      '',
    ]) {
      const { status, body } = await stage.anonymous('/cdn/files/upload', {
        body: Buffer.from('sound'),
        headers: {
          authorization,
          'content-type': 'audio/wav',
          // What Python sends: UTF-8, as the bytes of a header.
          'x-fal-file-name': Buffer.from(name).toString('latin1'),
        },
      });
      expect([name, status]).toEqual([name, 200]);
      const { pathname } = new URL(body.access_url);
      expect(pathname).toMatch(/^\/cdn\/files\/b\/[0-9a-f]+\/[^/\\]+$/);
      expect(decodeURIComponent(pathname)).not.toMatch(/\/\.\.?(\/|$)/);
      expect(await (await fetch(body.access_url)).text()).toBe('sound');
    }
    expect(await readdir(stage.server.dataFolder)).toEqual(before);
  });

  test('122 the file server takes parts out of order, with an ETag each', async () => {
    const authorization = await cdnToken();
    const { status, body } = await stage.anonymous('/cdn/files/upload/multipart', {
      method: 'POST',
      headers: { authorization, 'content-type': 'audio/wav', 'x-fal-file-name': 'long.wav' },
    });
    expect(status).toBe(200);
    expect(Object.keys(body).sort()).toEqual(['access_url', 'uploadId']);
    const at = `${body.access_url}/multipart/${body.uploadId}`;
    const parts = ['one ', 'two ', 'three'];
    const numbered = await Promise.all(
      [3, 1, 2].map(async (partNumber) => {
        const reply = await put(`${at}/${partNumber}`, Buffer.from(parts[partNumber - 1] ?? ''), { authorization });
        expect(reply.status).toBe(200);
        return { partNumber, etag: reply.headers.get('etag') };
      }),
    );
    const complete = await stage.anonymous(`${at}/complete`, { body: { parts: numbered }, headers: { authorization } });
    expect(complete.status).toBe(200);
    expect(await (await fetch(body.access_url)).text()).toBe('one two three');
  });

  test('123 an empty part is not taken for a part', async () => {
    const authorization = await cdnToken();
    const { body } = await stage.anonymous('/cdn/files/upload/multipart', {
      method: 'POST',
      headers: { authorization, 'content-type': 'audio/wav' },
    });
    const at = `${body.access_url}/multipart/${body.uploadId}`;
    const parts = [];
    for (const [index, bytes] of ['full', '', 'full'].entries()) {
      const reply = await put(`${at}/${index + 1}`, Buffer.from(bytes), { authorization });
      parts.push({ partNumber: index + 1, etag: reply.headers.get('etag') ?? '' });
    }
    const complete = await stage.anonymous(`${at}/complete`, { body: { parts }, headers: { authorization } });
    expect(complete.status).toBeGreaterThanOrEqual(400);
    expect(complete.status).toBeLessThan(500);
    expect(complete.body.detail).toEqual(expect.any(String));
    expect((await fetch(body.access_url)).status).toBe(404);
  });

  test('124 the older upload, whose bytes come with credentials', async () => {
    const { upload_url, file_url } = await initiate('initiate?storage_type=gcs');
    const bytes = randomBytes(1000);
    expect((await put(upload_url, bytes, { authorization: stage.authorization })).status).toBe(200);
    expect(Buffer.from(await (await fetch(file_url)).arrayBuffer()).equals(bytes)).toBe(true);
  });

  test('127 a file with a lifetime is gone after it', async () => {
    const lifecycle = JSON.stringify({ expiration_duration_seconds: 2 });
    const { upload_url, file_url } = await initiate(undefined, { 'x-fal-object-lifecycle': lifecycle });
    await put(upload_url, randomBytes(10));
    expect((await fetch(file_url)).status).toBe(200);
    await sleep(2500);
    expect((await fetch(file_url)).status).toBe(404);
  });

  test('128 files that not everybody may read', async () => {
    for (const [decision, expected] of [
      ['forbid', 403],
      ['hide', 404],
      ['allow', 200],
    ] as const) {
      const lifecycle = JSON.stringify({ initial_acl: { default: decision, rules: [] } });
      const { upload_url, file_url } = await initiate(undefined, { 'x-fal-object-lifecycle': lifecycle });
      await put(upload_url, Buffer.from('sound'));
      expect((await fetch(file_url)).status).toBe(expected);
      const stranger = await stage.newKey('API');
      expect((await fetch(file_url, { headers: { authorization: stranger } })).status).toBe(expected);
      const own = await fetch(file_url, { headers: { authorization: await cdnToken() } });
      expect([own.status, await own.text()]).toEqual([200, 'sound']);
    }
  });

  test('129 parts of a file, from any page', async () => {
    const { upload_url, file_url } = await initiate();
    await put(upload_url, Buffer.from('0123456789'));
    const whole = await fetch(file_url, { headers: { origin: 'https://app.example.com' } });
    expect(whole.headers.get('access-control-allow-origin')).toBe('*');
    expect(whole.headers.get('accept-ranges')).toBe('bytes');
    for (const [range, text, described] of [
      ['bytes=2-4', '234', 'bytes 2-4/10'],
      ['bytes=7-', '789', 'bytes 7-9/10'],
      ['bytes=-2', '89', 'bytes 8-9/10'],
    ] as const) {
      const reply = await fetch(file_url, { headers: { range, origin: 'https://app.example.com' } });
      expect([reply.status, await reply.text()]).toEqual([206, text]);
      expect(reply.headers.get('content-range')).toBe(described);
      expect(reply.headers.get('access-control-allow-origin')).toBe('*');
    }
    expect((await fetch(file_url, { headers: { range: 'bytes=10-' } })).status).toBe(416);
    const head = await fetch(file_url, { method: 'HEAD' });
    expect([head.status, head.headers.get('content-length')]).toEqual([200, '10']);
  });

  test('130 a sound in the request itself', async () => {
    const sound = (await recording()).toString('base64');
    const { status, body } = await stage.run({ ...smallClip, audio_url: `data:audio/wav;base64,${sound}` });
    expect(status).toBe(200);
    await expectPlayable(body);
  });
});
