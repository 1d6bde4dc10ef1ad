import { chmod, mkdir, mkdtemp, rename, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readConfiguration } from '../configuration.ts';
import { openDataFolder } from './data-folder.ts';

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'soundstage-data-'));
  await writeFile(join(root, 'file'), '');
  await symlink(join(root, 'circle'), join(root, 'circle'));
});
afterAll(() => rm(root, { recursive: true, force: true }));

async function modeOf(path: string): Promise<number> {
  return (await stat(path)).mode & 0o777;
}

test.skipIf(process.platform === 'win32')(
  'other users of the machine are kept out, of folders that were open as well',
  async () => {
    const folder = join(root, 'new', 'data');
    await openDataFolder(folder);
    expect(await modeOf(folder)).toBe(0o700);
    const mine = join(folder, 'mine');
    for (const open of [folder, join(folder, 'database'), join(folder, 'files'), join(folder, 'tls'), mine]) {
      await mkdir(open, { recursive: true });
      await chmod(open, 0o755);
    }
    await openDataFolder(folder);
    for (const closed of [folder, join(folder, 'database'), join(folder, 'files'), join(folder, 'tls')]) {
      expect([closed, await modeOf(closed)]).toEqual([closed, 0o700]);
    }
    expect(await modeOf(mine)).toBe(0o755);
  },
);

test.each([
  ['a file', 'file', 'is a file'],
  ['a folder below a file', 'file/data', 'is a file'],
  ['a name that is too long', 'x'.repeat(300), 'too long'],
  ['a path that is too long', `${'x'.repeat(200)}/`.repeat(30), 'too long'],
  ['a link to itself', 'circle/data', 'links lead in circles'],
  ['a place where nobody can write', '/proc/soundstage', 'cannot be used'],
])('an impossible data folder is said in one line: %s', async (_what, name, reason) => {
  const path = name.startsWith('/') ? name : join(root, name);
  await expect(openDataFolder(path)).rejects.toMatchObject({
    kind: 'input',
    field: 'SOUNDSTAGE_DATA',
    message: expect.stringMatching(new RegExp(`^the data folder .*${reason}.*--data or SOUNDSTAGE_DATA$`)),
  });
});

test.skipIf(process.getuid?.() === 0)('and so is one that may not be written to', async () => {
  const path = join(root, 'read-only');
  await mkdir(path, { mode: 0o500 });
  await expect(openDataFolder(path)).rejects.toThrow('you may not use it');
});

test('a data folder that was moved away, or replaced, is noticed', async () => {
  const path = join(root, 'moving');
  const folder = await openDataFolder(path);
  await folder.check();
  await rename(path, `${path}.away`);
  await expect(folder.check()).rejects.toThrow('is gone');
  await mkdir(path);
  await expect(folder.check()).rejects.toThrow('was replaced by another');
  await rm(path, { recursive: true });
  await rename(`${path}.away`, path);
  await folder.check();
});

test('a relative data folder is absolute from the start, so that errors can leave its path out', () => {
  const path = relative(process.cwd(), join(root, 'somewhere'));
  expect(readConfiguration({ SOUNDSTAGE_DATA: path }).SOUNDSTAGE_DATA).toBe(join(root, 'somewhere'));
});
