import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { putEmptyDatabase } from '../../../test/support/databases/databases.ts';
import { type CommandResult, finished, soundstage, startSoundstage } from '../../../test/support/programs/command.ts';
import { elementAt } from '../../shared/element-at.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'soundstage-serve-'));
  await putEmptyDatabase(folder);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

interface Started {
  readonly child: ChildProcess;
  readonly url: string;
  readonly result: Promise<CommandResult>;
}

async function serve(...flags: readonly string[]): Promise<Started> {
  const child = startSoundstage('serve', '--port', '0', '--data', folder, '--device', 'cpu', ...flags);
  const result = finished(child);
  const greeted = new Promise<string>((resolve) => {
    let text = '';
    child.stdout?.on('data', (data) => {
      text += data;
      const url = /serves on (\S+)/.exec(text)?.[1];
      if (url !== undefined) resolve(url);
    });
  });
  const failed = result.then(({ stderr }) => {
    throw new Error(stderr);
  });
  return { child, url: await Promise.race([greeted, failed]), result };
}

test('serves until SIGTERM, and only one server has a data folder', async () => {
  const { child, url, result } = await serve();
  expect(await (await fetch(`${url}/ready`)).json()).toEqual({
    ready: true,
    checks: { data: 'ok', database: 'ok', device: 'ok', disk: 'ok', files: 'ok', weights: 'ok', worker: 'ok' },
  });
  const second = await soundstage('serve', '--port', '0', '--data', folder);
  expect(second).toMatchObject({ code: 4, stderr: expect.stringContaining(folder) });
  const created = await soundstage('keys', 'create', '--data', folder);
  expect(created.code).toBe(0);
  const upload = { method: 'POST', body: '{"content_type":"audio/wav","file_name":"a.wav"}' };
  const address = `${url}/storage/upload/initiate`;
  expect((await fetch(address, upload)).status).toBe(401);
  const headers = { authorization: `Key ${created.stdout.trim()}` };
  expect((await fetch(address, { ...upload, headers })).status).toBe(200);
  child.kill('SIGTERM');
  expect(await result).toMatchObject({ code: 0 });
  for (const path of [folder, join(folder, 'work'), join(folder, 'database.lock')]) {
    expect([path, (await stat(path)).mode & 0o077]).toEqual([path, 0]);
  }
});

test('starts again after a kill, and the port may be taken', async () => {
  const killed = await serve();
  killed.child.kill('SIGKILL');
  await killed.result;
  const blocker = createServer().listen(0, '127.0.0.1');
  await once(blocker, 'listening');
  const address = blocker.address();
  const port = typeof address === 'object' ? String(address?.port) : '';
  const taken = await soundstage('serve', '--port', port, '--data', folder);
  blocker.close();
  expect(taken).toMatchObject({ code: 2, stderr: expect.stringContaining(`Port ${port} of 127.0.0.1 is taken`) });
});

test.each([
  [['serve', '--auth', 'maybe'], /SOUNDSTAGE_AUTH/],
  [['serve', '--port', 'x'], /SOUNDSTAGE_PORT/],
  [['serve', '--no-worker'], /DATABASE_URL/],
  [['worker'], /DATABASE_URL/],
  [['serve', '--model', 'nonsense'], /nonsense/],
  [['serve', '--data', import.meta.filename], /^the data folder .* is a file/],
])('%j is refused', async (flags, message) => {
  const { code, stderr } = await soundstage(elementAt(flags, 0), '--data', folder, ...flags.slice(1));
  expect(code).toBe(2);
  expect(stderr).toMatch(message);
  expect(stderr).not.toMatch(/ {4}at /);
});

test('the help of a worker has no setting that is for servers alone', async () => {
  const { stdout } = await soundstage('worker', '--help');
  for (const name of ['SOUNDSTAGE_S3_BUCKET', 'SOUNDSTAGE_FETCH_TIMEOUT', 'DATABASE_URL'])
    expect(stdout).toContain(name);
  for (const name of ['SOUNDSTAGE_PORT', 'SOUNDSTAGE_PUBLIC_URL', 'SOUNDSTAGE_MAX_UPLOAD_BYTES', 'SOUNDSTAGE_AUTH'])
    expect(stdout).not.toContain(name);
});

test('help names every setting', async () => {
  const { stdout } = await soundstage('serve', '--help');
  for (const name of [
    'SOUNDSTAGE_PUBLIC_URL',
    'DATABASE_URL',
    'SOUNDSTAGE_MAX_UPLOAD_BYTES',
    '--allow-private-hosts',
  ]) {
    expect(stdout).toContain(name);
  }
});
