import { mkdir, mkdtemp, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { randomSafetensors } from '../../models/hub.test-support.ts';
import { findLocalLora } from './local-lora.ts';

const place = await realpath(await mkdtemp(join(tmpdir(), 'soundstage-local-lora-')));
const folder = join(place, 'loras');
afterAll(() => rm(place, { recursive: true }));
await mkdir(join(folder, 'many'), { recursive: true });
await mkdir(join(folder, 'single'));
for (const name of ['a.safetensors', 'many/a.safetensors', 'many/b.safetensors', 'single/x.safetensors']) {
  await writeFile(join(folder, name), randomSafetensors(100));
}
await writeFile(join(folder, 'page.safetensors'), '<!DOCTYPE html><html>');
await writeFile(join(place, 'secret.safetensors'), randomSafetensors(100));
await mkdir(join(place, 'loras-private'));
await writeFile(join(place, 'loras-private', 'x.safetensors'), randomSafetensors(100));
await symlink(join(place, 'secret.safetensors'), join(folder, 'out.safetensors'));
await symlink('a.safetensors', join(folder, 'in.safetensors'));
await symlink(place, join(folder, 'up'));
await mkdir(join(folder, 'trap'));
await symlink(join(place, 'secret.safetensors'), join(folder, 'trap', 'x.safetensors'));
await symlink(folder, join(place, 'link'));

const find = (path: string, weightName?: string, root: string | undefined = folder): Promise<string> =>
  findLocalLora(path, { field: 'loras.1.path', folder: root, weightName });

test('files in the folder, by absolute or relative path, through links within it', async () => {
  const a = join(folder, 'a.safetensors');
  expect(await find('a.safetensors')).toBe(a);
  expect(await find('./many/../a.safetensors')).toBe(a);
  expect(await find(a)).toBe(a);
  expect(await find('in.safetensors')).toBe(a);
  expect(await find('./single')).toBe(join(folder, 'single', 'x.safetensors'));
  expect(await find('./many', 'b.safetensors')).toBe(join(folder, 'many', 'b.safetensors'));
  expect(await find('a.safetensors', undefined, join(place, 'link'))).toBe(a);
});

test.each([
  ...['../secret.safetensors', '/etc/passwd', '/etc/no-such-file', 'out.safetensors', 'up/secret.safetensors'],
  ...[
    './up',
    './trap',
    '../loras-private/x.safetensors',
    '..',
    '.',
    'a\0.safetensors',
    'many/../../secret.safetensors',
  ],
])('%j is outside', async (path) => {
  await expect(find(path)).rejects.toMatchObject({
    ...{ kind: 'input', field: 'loras.1.path', message: expect.stringMatching(/outside the LoRA folder/) },
  });
});

test('other mistakes', async () => {
  await expect(find('absent.safetensors')).rejects.toThrow(/not in the LoRA folder/);
  await expect(find('a.safetensors/x.safetensors')).rejects.toThrow(/not in the LoRA folder/);
  await expect(find(`./${'x'.repeat(5000)}`)).rejects.toThrow(/not in the LoRA folder/);
  await expect(find('page.safetensors')).rejects.toThrow(/web page/);
  await expect(find('./many')).rejects.toMatchObject({ field: 'loras.1.weight_name' });
  await expect(find('./many', '../../secret.safetensors')).rejects.toMatchObject({ field: 'loras.1.weight_name' });
  await expect(
    findLocalLora('a.safetensors', { field: 'loras.1.path', folder: undefined, weightName: undefined }),
  ).rejects.toMatchObject({ kind: 'input', message: expect.stringMatching(/SOUNDSTAGE_LORA_FOLDER/) });
});
