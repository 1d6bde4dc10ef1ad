import { lstat, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { blobPath, linkSnapshot, snapshotFolder } from './cache.ts';

const [commit, etag] = ['c'.repeat(40), 'e'.repeat(40)];
let cache: string;
beforeEach(async () => {
  cache = await mkdtemp(join(tmpdir(), 'soundstage-hub-'));
  await mkdir(dirname(blobPath(cache, 'a/b', etag)), { recursive: true });
  await writeFile(blobPath(cache, 'a/b', etag), 'weights');
});
afterEach(() => rm(cache, { recursive: true }));

const file = (): string => join(snapshotFolder(cache, 'a/b', commit), 'model.safetensors');

function refusing(code: string): () => Promise<never> {
  return async () => {
    throw Object.assign(new Error('the system refuses'), { code });
  };
}

test('a file of a snapshot is a symbolic link to its blob', async () => {
  await linkSnapshot(cache, 'a/b', commit, 'model.safetensors', etag);
  expect((await lstat(file())).isSymbolicLink()).toBe(true);
  expect(await readFile(file(), 'utf8')).toBe('weights');
});

test('where Windows allows no symbolic links, it is the blob under a second name', async () => {
  await linkSnapshot(cache, 'a/b', commit, 'model.safetensors', etag, refusing('EPERM'));
  expect((await lstat(file())).isFile()).toBe(true);
  expect((await lstat(file())).ino).toBe((await lstat(blobPath(cache, 'a/b', etag))).ino);
});

test('what else keeps it from being made is an error that says where', async () => {
  const linking = linkSnapshot(cache, 'a/b', commit, 'model.safetensors', etag, refusing('EROFS'));
  await expect(linking).rejects.toMatchObject({
    kind: 'device',
    message: expect.stringContaining(snapshotFolder(cache, 'a/b', commit)),
  });
});
