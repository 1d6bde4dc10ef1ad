import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ApiKey, KeyManagement } from './api-keys.ts';
import { controlSocketPath, isServed } from './control-socket.ts';
import { serveKeyControl } from './key-control.ts';
import { RemoteKeys } from './remote-keys.ts';

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'soundstage-control-'));
});
afterAll(() => rm(root, { recursive: true, force: true }));

async function newSocketPath(name: string): Promise<string> {
  const path = controlSocketPath(join(root, name));
  await mkdir(dirname(path), { recursive: true });
  return path;
}

/** Keys without a database: this is about the way to them. */
class KeysInMemory implements KeyManagement {
  readonly all: ApiKey[] = [];

  async create({ name, scope }: Parameters<KeyManagement['create']>[0]): Promise<{ id: string; secret: string }> {
    if (name === 'fails') throw new Error('disk full');
    const id = `id/${this.all.length}`;
    this.all.push({ id, name, scope, createdAt: new Date(1000), revokedAt: null });
    return { id, secret: 'secret' };
  }

  async list(): Promise<readonly ApiKey[]> {
    return this.all;
  }

  async revoke(id: string): Promise<boolean> {
    return this.all.some((key) => key.id === id);
  }
}

describe.each([
  ['a short path', 'short'],
  ['a path longer than sockets may have', join('x'.repeat(100), 'y'.repeat(100))],
])('control of keys through a socket (%s)', (_title, name) => {
  test('does what is asked', async () => {
    const path = await newSocketPath(name);
    const keys = new KeysInMemory();
    await using _control = await serveKeyControl(keys, path);
    const remote = new RemoteKeys(path);
    expect(await remote.create({ name: 'a\n"ü', scope: 'ADMIN' })).toEqual({ id: 'id/0', secret: 'secret' });
    expect(await remote.list()).toEqual(keys.all);
    expect(await remote.revoke('id/0')).toBe(true);
    expect(await remote.revoke('id/1')).toBe(false);
    await expect(remote.create({ name: 'fails', scope: 'API' })).rejects.toThrow(
      'the running server failed: disk full',
    );
  });

  test('is for this user only', async () => {
    const path = await newSocketPath(name);
    await using _control = await serveKeyControl(new KeysInMemory(), path);
    expect((await stat(path)).mode & 0o777).toBe(0o600);
  });

  test('leaves nothing behind, and a second server is refused while the first answers', async () => {
    const path = await newSocketPath(name);
    expect(await isServed(path)).toBe(false);
    {
      await using _control = await serveKeyControl(new KeysInMemory(), path);
      expect(await isServed(path)).toBe(true);
      await expect(serveKeyControl(new KeysInMemory(), path)).rejects.toThrow(/another server answers/);
    }
    expect(existsSync(path)).toBe(false);
    expect(await isServed(path)).toBe(false);
  });

  test('the socket of a killed server is replaced', async () => {
    const path = await newSocketPath(name);
    const program = `
      import { serveKeyControl } from ${JSON.stringify(join(import.meta.dirname, 'key-control.ts'))};
      await serveKeyControl({}, ${JSON.stringify(path)});
      console.log('serving');`;
    const child = spawn(process.execPath, [
      '--disable-warning=ExperimentalWarning',
      '--input-type=module-typescript',
      '-e',
      program,
    ]);
    await once(child.stdout, 'data');
    expect(await isServed(path)).toBe(true);
    child.kill('SIGKILL');
    await once(child, 'close');
    expect(existsSync(path)).toBe(true);
    expect(await isServed(path)).toBe(false);
    await using _control = await serveKeyControl(new KeysInMemory(), path);
    expect(await new RemoteKeys(path).list()).toEqual([]);
  });
});

test('a file that is no socket does not block a start', async () => {
  const path = await newSocketPath('file');
  await writeFile(path, 'not a socket');
  await using _control = await serveKeyControl(new KeysInMemory(), path);
  expect(await isServed(path)).toBe(true);
});

test('nonsense is refused and changes nothing', async () => {
  const path = await newSocketPath('nonsense');
  const keys = new KeysInMemory();
  await using _control = await serveKeyControl(keys, path);
  const send = async (method: string, route: string, body: string): Promise<number | undefined> => {
    const sent = request({ socketPath: path, method, path: route }).end(body);
    const [response] = await once(sent, 'response');
    response.resume();
    return response.statusCode;
  };
  for (const body of ['', '{', '{}', '{"name":"a","scope":"ROOT"}', '[]']) {
    expect(await send('POST', '/keys', body)).toBe(400);
  }
  expect(await send('PUT', '/keys', '')).toBe(404);
  expect(await send('GET', '/other', '')).toBe(404);
  expect(keys.all).toEqual([]);
});
