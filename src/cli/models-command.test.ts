import { mkdtemp, realpath, rm, truncate } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { TestHub } from '../models/hub.test-support.ts';
import { addWeights } from '../models/weights.test-support.ts';
import { modelsCommand } from './models-command.ts';

const weightSetId = 'ltx-2-19b-distilled-fp8';

let hub: TestHub;
let cache: string;

beforeEach(async () => {
  hub = await TestHub.start();
  addWeights(hub);
  cache = await mkdtemp(join(tmpdir(), 'soundstage-cli-'));
});

afterEach(async () => {
  process.exitCode = 0;
  await hub[Symbol.asyncDispose]();
  await rm(cache, { recursive: true });
});

async function run(...args: string[]): Promise<{ stdout: string; stderr: string; code: number }> {
  const written = { stdout: '', stderr: '' };
  process.exitCode = 0;
  await modelsCommand({
    stdout: { write: (text) => (written.stdout += text) },
    stderr: { write: (text) => (written.stderr += text) },
    env: { HF_HOME: cache, HF_ENDPOINT: hub.endpoint },
  }).parseAsync(args, { from: 'user' });
  return { ...written, code: Number(process.exitCode) };
}

test('fetch, list and check', async () => {
  expect((await run('list')).stdout).toMatch(/ltx-2-19b-distilled-fp8 +missing +52\.5 GB +0 of 7/);
  const fetched = await run('fetch', weightSetId, '--camera', 'dolly_in', '--cache', join(cache, 'other'));
  expect(fetched).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/^ltx-2-19b-distilled-fp8 is here: .*other/),
  });
  expect(fetched.stderr).toMatch(/^ltx-2-19b-distilled-fp8\.safetensors: 5\.1 kB done$/m);
  expect((await run('list', '--cache', join(cache, 'other'))).stdout).toMatch(/distilled-fp8 +present .* 1 of 7/);
  const checked = await run('check', weightSetId, '--cache', join(cache, 'other'));
  expect(checked).toMatchObject({ code: 0 });
  expect(checked.stdout).toMatch(/^ok +ltx-2-19b-distilled-fp8\.safetensors /m);
});

test('check ends with code 3 on damage and says what to do', async () => {
  const { stdout } = await run('fetch', weightSetId);
  await truncate(await realpath(stdout.replace(/^.*: /, '').trim()), 4000);
  const checked = await run('check', weightSetId);
  expect(checked.code).toBe(3);
  expect(checked.stdout).toMatch(/^damaged +ltx-2-19b-distilled-fp8/m);
  expect(checked.stderr).toContain(
    `1 of 9 files are damaged or missing: delete the damaged files (--remove-damaged) and run \`soundstage models fetch ${weightSetId}\`\n`,
  );
});

test('an error is one line without a stack, and a code by its kind', async () => {
  expect(await run('fetch', 'ltx')).toMatchObject({
    code: 2,
    stderr: expect.stringMatching(/^there are no weights named ltx: [^\n]*\n$/),
  });
  expect(await run('fetch', weightSetId, '--offline')).toMatchObject({
    code: 3,
    stderr: expect.stringMatching(/^[^\n]*lacks[^\n]*\n$/),
  });
  expect(hub.requests).toHaveLength(0);
});

test('JSON for programs: the list, and errors', async () => {
  const listed = JSON.parse((await run('list', '--json')).stdout);
  expect(listed).toContainEqual(expect.objectContaining({ id: 'nano', state: 'present', bytes: expect.any(Number) }));
  const failed = await run('fetch', 'ltx', '--json');
  expect(JSON.parse(failed.stderr)).toEqual({
    error: { kind: 'input', field: 'model', message: expect.stringMatching(/^there are no weights named ltx/) },
  });
});

test('nano needs no fetching', async () => {
  expect(await run('fetch', 'nano')).toMatchObject({
    code: 0,
    stdout: 'nano ships with Soundstage: nothing to fetch\n',
  });
});

test.each([
  ['fetch', 4],
  ['check', 3],
])('an impossible cache is said in one line: %s', async (command, expected) => {
  const { code, stderr } = await run(command, weightSetId, '--cache', join(import.meta.filename, 'cache'));
  expect(code).toBe(expected);
  expect(stderr.trim().split('\n').at(-1)).toContain(import.meta.filename);
  expect(stderr).not.toMatch(/ {4}at /);
});
