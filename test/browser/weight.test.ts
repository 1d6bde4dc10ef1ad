import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';

const built = join(import.meta.dirname, '../../web/dist');

test('the whole page weighs less than 300 kB', async () => {
  const entries = await readdir(built, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile());
  const contents = await Promise.all(files.map(({ parentPath, name }) => readFile(join(parentPath, name))));
  const weight = contents.reduce((sum, content) => sum + gzipSync(content, { level: 9 }).byteLength, 0);
  process.stdout.write(`the page weighs ${(weight / 1000).toFixed(1)} kB compressed, in ${files.length} files\n`);
  expect(files.length).toBeGreaterThanOrEqual(3);
  expect(weight).toBeLessThan(300_000);
});
