import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';

const built = join(import.meta.dirname, '../../web/dist');

/** Clips and recordings are fetched when they are played. */
function isExample(name: string): boolean {
  return /\.mp[34]$/.test(name);
}

test('the whole page weighs less than 300 kB, its examples less than 1.5 MB', async () => {
  const entries = await readdir(built, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile() && !isExample(entry.name));
  const examples = entries.filter((entry) => isExample(entry.name));
  const sizes = await Promise.all(examples.map(({ parentPath, name }) => stat(join(parentPath, name))));
  expect(sizes.reduce((sum, { size }) => sum + size, 0)).toBeLessThan(1_500_000);
  const contents = await Promise.all(files.map(({ parentPath, name }) => readFile(join(parentPath, name))));
  const weight = contents.reduce((sum, content) => sum + gzipSync(content, { level: 9 }).byteLength, 0);
  process.stdout.write(`the page weighs ${(weight / 1000).toFixed(1)} kB compressed, in ${files.length} files\n`);
  expect(files.length).toBeGreaterThanOrEqual(3);
  expect(weight).toBeLessThan(300_000);
});
