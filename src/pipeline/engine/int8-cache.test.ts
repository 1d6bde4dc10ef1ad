import { chmod, mkdtemp, readdir, readFile, rm, stat, symlink, truncate, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import { plainSettings } from '../../../test/support/clip-settings.ts';
import { bundlePath, copyCheckpoint, tinyWeights } from '../../../test/support/parity-checkpoint.ts';
import type { Precision } from '../../graph/graph-target.ts';
import { openCheckpoint } from '../../graph/weights/checkpoint.ts';
import { MediaService } from '../../media/media-service.ts';
import { decodeVideoFrames } from '../../media/native/decode/video-frames.ts';
import { generateClip } from '../generate-clip.ts';
import { Engine } from './engine.ts';
import { int8Linears, int8Overview } from './int8-cache.ts';

const bundle = await openCheckpoint(bundlePath);

async function newFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'soundstage-int8-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  return folder;
}

/** Asks for the layers; returns the notes. */
async function notesOf(folder: string, checkpoint = bundle): Promise<string[]> {
  const notes: string[] = [];
  await int8Linears(checkpoint, { folder, onNote: (note) => void notes.push(note) });
  return notes;
}

async function onlyFile(folder: string): Promise<string> {
  const names = await readdir(folder);
  expect(names).toHaveLength(1);
  return join(folder, names[0] ?? '');
}

test('the file is written once, after its size and place were said, and used from then on', async () => {
  const folder = await newFolder();
  const [note] = await notesOf(folder);
  expect(note).toMatch(/rounded to eight bits, once: [\d.]+ [kM]B in /);
  expect(note).toContain(folder);
  const { mtimeMs } = await stat(await onlyFile(folder));
  expect(await notesOf(folder)).toEqual([]);
  expect((await stat(await onlyFile(folder))).mtimeMs).toBe(mtimeMs);
  expect(await int8Overview(folder)).toEqual({ files: 1, bytes: (await stat(await onlyFile(folder))).size });
});

test.for([
  ['cut off', (path: string) => truncate(path, 5000)],
  ['empty', (path: string) => truncate(path, 0)],
  ['something else', (path: string) => writeFile(path, 'not weights at all')],
] as const)('a file that is %s is made anew, and that is said', async ([, damage]) => {
  const folder = await newFolder();
  await notesOf(folder);
  const path = await onlyFile(folder);
  const whole = await readFile(path);
  await damage(path);
  const [first, second] = await notesOf(folder);
  expect(first).toMatch(/is not a usable safetensors file: .*; it is made anew$/);
  expect(second).toContain('rounded to eight bits');
  expect((await readFile(path)).equals(whole)).toBe(true);
});

test('several that ask at once get the same layers, and one file is left', async () => {
  const folder = await newFolder();
  const made = await Promise.all([1, 2, 3].map(() => int8Linears(bundle, { folder })));
  const path = await onlyFile(folder);
  for (const { tensors } of made) expect([...tensors.values()].every(({ file }) => file === path)).toBe(true);
});

test('weights that were replaced are rounded anew, and no more than two files stay', async () => {
  const folder = await newFolder();
  const weights = await newFolder();
  await copyCheckpoint(weights);
  const path = join(weights, 'ltx-2-tiny.safetensors');
  for (const time of [1000, 2000, 3000]) {
    await utimes(path, time, time);
    expect(await notesOf(folder, await openCheckpoint(path))).toHaveLength(1);
  }
  expect((await int8Overview(folder)).files).toBe(2);
});

test('links to the same weights share a file', async () => {
  const [folder, links] = [await newFolder(), await newFolder()];
  await notesOf(folder);
  await symlink(bundlePath, join(links, 'other-name.safetensors'));
  expect(await notesOf(folder, await openCheckpoint(join(links, 'other-name.safetensors')))).toEqual([]);
});

test('what is cancelled leaves nothing, and what a killed process left goes after a while', async () => {
  const folder = await newFolder();
  await expect(int8Linears(bundle, { folder, signal: AbortSignal.abort() })).rejects.toMatchObject({
    kind: 'cancelled',
  });
  expect(await readdir(folder)).toEqual([]);
  const [old, current] = [join(folder, 'a.safetensors.1.partial'), join(folder, 'b.safetensors.2.partial')];
  for (const path of [old, current]) await writeFile(path, '');
  await utimes(old, 1000, 1000);
  await notesOf(folder);
  expect((await readdir(folder)).filter((name) => name.endsWith('.partial'))).toEqual(['b.safetensors.2.partial']);
});

test.skipIf(process.platform === 'win32' || process.getuid?.() === 0)(
  'a folder that cannot be written to is named, with what to do',
  async () => {
    const folder = await newFolder();
    await chmod(folder, 0o500);
    await expect(int8Linears(bundle, { folder })).rejects.toThrow(/cannot be kept in .*: you may not .*XDG_CACHE_HOME/);
  },
);

test('a path that is a file is named, with what to do', async () => {
  const folder = join(await newFolder(), 'file');
  await writeFile(folder, '');
  const failed = int8Linears(bundle, { folder: join(folder, 'int8') });
  await expect(failed).rejects.toMatchObject({ kind: 'device', field: 'precision' });
  await expect(failed).rejects.toThrow(/cannot be kept in .*XDG_CACHE_HOME.*--precision exact/);
});

test('equal plans give equal clips in eight bits, others than exactly', async () => {
  vi.stubEnv('XDG_CACHE_HOME', await newFolder());
  onTestFinished(() => void vi.unstubAllEnvs());
  await using media = new MediaService();
  await using engine = new Engine();
  const folder = await newFolder();
  const notes: string[] = [];
  const make = async (precision: Precision): Promise<Buffer> => {
    const audio = join(import.meta.dirname, '../../../examples/hello.wav');
    const settings = { ...plainSettings, audio, numFrames: 9, precision };
    const output = join(folder, 'clip.mp4');
    await generateClip(settings, tinyWeights, { engine, media }, { output, onNote: (note) => void notes.push(note) });
    const frames: Uint8Array[] = [];
    for await (const { rgb } of decodeVideoFrames(output)) frames.push(rgb);
    return Buffer.concat(frames);
  };
  const [exact, first, second] = [await make('exact'), await make('int8'), await make('int8')];
  expect(first.equals(second)).toBe(true);
  expect(first.equals(exact)).toBe(false);
  expect(notes.filter((note) => note.includes('rounded to eight bits'))).toHaveLength(1);
});
