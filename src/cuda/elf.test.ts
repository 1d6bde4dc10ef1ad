import { writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { neededLibraries } from './elf.ts';

const folder = join(
  dirname(createRequire(import.meta.url).resolve('onnxruntime-node/package.json')),
  'bin/napi-v6/linux',
);

test.for(['x64', 'arm64'])('a library names those it needs (%s)', async (processor) => {
  expect(await neededLibraries(join(folder, processor, 'onnxruntime_binding.node'))).toEqual(
    expect.arrayContaining(['libonnxruntime.so.1', 'libstdc++.so.6', 'libc.so.6']),
  );
});

test('what is no library says so', async () => {
  const path = join(tmpdir(), `soundstage-elf-${process.pid}`);
  await writeFile(path, 'MZ'.padEnd(100, '\0'));
  await expect(neededLibraries(path)).rejects.toThrow('is no shared library for 64-bit Linux');
  await writeFile(path, '\x7fELF');
  await expect(neededLibraries(path)).rejects.toThrow('the file ends early');
});
