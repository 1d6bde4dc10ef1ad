import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { tryLockFile } from './file-lock.ts';

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'soundstage-lock-'));
});
afterAll(() => rm(root, { recursive: true, force: true }));

test('holds within one process, and again after a release', async () => {
  const path = join(root, 'new', 'folder', 'a.lock');
  const first = await tryLockFile(path);
  expect(first).toBeDefined();
  expect(await tryLockFile(path)).toBeUndefined();
  // A failed attempt must not have released the lock of the first.
  expect(await tryLockFile(path)).toBeUndefined();
  first?.[Symbol.dispose]();
  using second = await tryLockFile(path);
  expect(second).toBeDefined();
});

test('is held by another process until that is killed', async () => {
  const path = join(root, 'b.lock');
  const program = `
    import { tryLockFile } from ${JSON.stringify(join(import.meta.dirname, 'file-lock.ts'))};
    globalThis.lock = await tryLockFile(${JSON.stringify(path)});
    console.log(globalThis.lock === undefined ? 'refused' : 'locked');
    setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, [
    '--disable-warning=ExperimentalWarning',
    '--input-type=module-typescript',
    '-e',
    program,
  ]);
  try {
    const [said] = await once(child.stdout, 'data');
    expect(String(said)).toBe('locked\n');
    expect(await tryLockFile(path)).toBeUndefined();
  } finally {
    child.kill('SIGKILL');
    await once(child, 'close');
  }
  using lock = await tryLockFile(path);
  expect(lock).toBeDefined();
});

test('a place that cannot be locked is an error, not somebody else’s lock', async () => {
  await expect(tryLockFile(root)).rejects.toThrow(/cannot lock .*: put it on a local disk/);
});

test('who may only read the file keeps nobody from the lock', async () => {
  const path = join(root, 'c.lock');
  (await tryLockFile(path))?.[Symbol.dispose]();
  using reader = new DatabaseSync(path, { readOnly: true });
  reader.exec('BEGIN; SELECT count(*) FROM sqlite_schema');
  using lock = await tryLockFile(path);
  expect(lock).toBeDefined();
  expect(await tryLockFile(path)).toBeUndefined();
});
