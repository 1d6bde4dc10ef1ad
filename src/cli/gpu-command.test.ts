import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { TestIndex, testWheel } from '../cuda/install/wheels.test-support.ts';
import { gpuCommand } from './gpu-command.ts';

const linuxTest = test.skipIf(process.platform !== 'linux' || process.arch !== 'x64');

let root: string;
let index: TestIndex;

beforeEach(async () => {
  index = await TestIndex.start();
  root = await mkdtemp(join(tmpdir(), 'soundstage-gpu-'));
  vi.stubEnv('SOUNDSTAGE_CUDA_FOLDER', join(root, 'cuda'));
  await writeFile(join(root, 'runtime'), 'git-commit-id=abcdef123');
});

afterEach(async () => {
  vi.unstubAllEnvs();
  process.exitCode = undefined;
  await index[Symbol.asyncDispose]();
  await rm(root, { recursive: true });
});

async function run(...words: readonly string[]): Promise<{ stdout: string; stderr: string; exitCode: unknown }> {
  const [out, err]: [string[], string[]] = [[], []];
  const runtime = { version: '1.2.3', library: join(root, 'runtime') };
  const command = gpuCommand({
    stdout: { write: (text) => out.push(text) },
    stderr: { write: (text) => err.push(text) },
    install: { runtime },
  });
  await command.parseAsync(['install', '--index-url', index.url, ...words], { from: 'user' });
  return { stdout: out.join(''), stderr: err.join(''), exitCode: process.exitCode };
}

linuxTest('it says what was installed and where, and the second time that there is nothing to do', async () => {
  const name = 'onnxruntime/capi/libonnxruntime';
  index.add(
    testWheel('onnxruntime-gpu', '1.2.3', {
      [`${name}.so.1.2.3`]: 'git-commit-id=abcdef123',
      [`${name}_providers_cuda.so`]: 'cuda',
      [`${name}_providers_shared.so`]: 'shared',
      'onnxruntime/LICENSE': '',
      'onnxruntime/ThirdPartyNotices.txt': '',
    }),
  );
  const folder = join(root, 'cuda');
  expect((await run()).stdout).toContain(`onnxruntime-gpu 1.2.3: installed in ${folder}\n`);
  expect((await run()).stdout).toContain(`onnxruntime-gpu 1.2.3 is in ${folder}: nothing to do\n`);
});

linuxTest('what goes wrong is one sentence, and an exit code by its kind', async () => {
  expect(await run()).toEqual({
    stdout: '',
    stderr: `the index ${index.url} has no package onnxruntime-gpu: choose another with --index-url\n`,
    exitCode: 2,
  });
});
