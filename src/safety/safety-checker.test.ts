import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { SafetyChecker } from './safety-checker.ts';

const fixture = join(import.meta.dirname, '../../test/fixtures/safety/vit-tiny');
const gray = { width: 64, height: 48, rgb: new Uint8Array(64 * 48 * 3).fill(120) };

let folder: string;
let cache: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'soundstage-safety-'));
  cache = join(folder, 'cache');
});
afterEach(() => rm(folder, { recursive: true }));

function checkerOf(model: string): SafetyChecker {
  return new SafetyChecker({ model, hub: { cache, env: {} } });
}

/** A classifier to which every picture is explicit: the fixture finds all normal, and here the names are swapped. */
async function strictModel(): Promise<string> {
  const path = join(folder, 'strict');
  await cp(fixture, path, { recursive: true });
  const config = JSON.parse(await readFile(join(path, 'config.json'), 'utf8'));
  await writeFile(join(path, 'config.json'), JSON.stringify({ ...config, id2label: { 0: 'nsfw', 1: 'normal' } }));
  return path;
}

test('prompts need no child process', async () => {
  await using checker = checkerOf('embedded');
  await checker.checkPrompt('A woman speaks to the camera');
  await expect(checker.checkPrompt('a nude woman')).rejects.toMatchObject({
    kind: 'input',
    type: 'content_policy_violation',
    field: 'prompt',
    message: expect.stringContaining('sexual content'),
  });
  expect(checker.pid).toBeUndefined();
});

test('an ordinary picture passes, several at a time', async () => {
  await using checker = checkerOf('embedded');
  await Promise.all(['image', 'end_image', 'image'].map((field) => checker.checkPicture(gray, field)));
  expect(await checker.explicitness(gray)).toBeLessThan(0.5);
});

test('an explicit picture is refused in the name of its field, an explicit frame in that of the prompt', async () => {
  await using checker = checkerOf(await strictModel());
  const refusal = { kind: 'input', type: 'content_policy_violation' };
  await expect(checker.checkPicture(gray, 'end_image')).rejects.toMatchObject({ ...refusal, field: 'end_image' });
  const watch = checker.watchFrames({ width: 64, height: 48, frames: 3, fps: 25 });
  await watch.add(Buffer.concat([gray.rgb, gray.rgb, gray.rgb]));
  await expect(watch.finish()).rejects.toMatchObject({
    ...refusal,
    field: 'prompt',
    message: expect.stringContaining('frame 0'),
  });
});

describe('which model', () => {
  /** As the hub's own tools lay a repository out. */
  async function fillCache(model: string): Promise<void> {
    const snapshot = join(cache, 'models--Falconsai--nsfw_image_detection/snapshots', 'a'.repeat(40));
    await cp(model, snapshot, { recursive: true });
  }

  test('auto takes the embedded one until the stronger one is there', async () => {
    await using before = checkerOf('auto');
    await before.checkPicture(gray, 'image');
    await fillCache(await strictModel());
    await using after = checkerOf('auto');
    await expect(after.checkPicture(gray, 'image')).rejects.toMatchObject({ type: 'content_policy_violation' });
    await using embedded = checkerOf('embedded');
    await embedded.checkPicture(gray, 'image');
  });

  test('hub says how to fetch, and works once it is there without a new checker', async () => {
    await using checker = checkerOf('hub');
    await expect(checker.checkPicture(gray, 'image')).rejects.toMatchObject({
      kind: 'weights',
      message: expect.stringContaining('soundstage models fetch safety'),
    });
    await fillCache(fixture);
    await checker.checkPicture(gray, 'image');
  });

  test('a folder that is no classifier is an error, not a pass', async () => {
    await using checker = checkerOf(folder);
    await expect(checker.checkPicture(gray, 'image')).rejects.toMatchObject({ kind: 'weights' });
    const watch = checker.watchFrames({ width: 64, height: 48, frames: 1, fps: 25 });
    await expect(watch.finish()).rejects.toMatchObject({ kind: 'weights' });
  });
});

test('a killed process fails what was under way and nothing after', async () => {
  await using checker = checkerOf('embedded');
  await checker.checkPicture(gray, 'image');
  const { pid } = checker;
  if (pid === undefined) throw new Error('no process');
  const under = checker.checkPicture(gray, 'image');
  process.kill(pid, 'SIGKILL');
  await expect(under).rejects.toMatchObject({ kind: 'crash' });
  await checker.checkPicture(gray, 'image');
  expect(checker.pid).not.toBe(pid);
});
