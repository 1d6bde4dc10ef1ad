import { cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { writeToneWav } from './support/media/sound-files.ts';
import { soundstage } from './support/programs/command.ts';

let folder: string;
let outputs: string;
const at = (name: string): string => join(folder, name);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'soundstage-safety-'));
  outputs = await mkdtemp(join(tmpdir(), 'soundstage-safety-clips-'));
  await writeToneWav(at('sound.wav'), 0.5, 22_050);
  const picture = sharp({ create: { width: 150, height: 90, channels: 3, background: '#c04020' } });
  await picture.png().toFile(at('picture.png'));
  // A classifier to which everything is explicit: the fixture finds all normal, and here the names are swapped.
  await cp(join(import.meta.dirname, 'fixtures/safety/vit-tiny'), at('strict'), { recursive: true });
  const config = JSON.parse(await readFile(at('strict/config.json'), 'utf8'));
  await writeFile(at('strict/config.json'), JSON.stringify({ ...config, id2label: { 0: 'nsfw', 1: 'normal' } }));
  vi.stubEnv('SOUNDSTAGE_SAFETY_MODEL', at('strict'));
});
afterAll(async () => {
  vi.unstubAllEnvs();
  await rm(folder, { recursive: true });
  await rm(outputs, { recursive: true });
});

function generate(prompt: string, ...flags: readonly string[]): ReturnType<typeof soundstage> {
  const small = ['--video-size', '128x64', '--num-frames', '9', '--device', 'cpu', '--quiet', '--seed', '7'];
  const files = ['--audio', at('sound.wav'), '--output', join(outputs, 'clip.mp4')];
  return soundstage('generate', ...files, '--prompt', prompt, ...small, ...flags);
}

test.for([
  ['a prompt', 'A nude woman', [], /^the prompt asks for sexual content/],
  ['a first image', 'A dog', ['--image', 'picture.png'], /^the picture looks explicit/],
  ['an end image', 'A dog', ['--end-image', 'picture.png'], /^the picture looks explicit/],
  ['frames', 'A dog', [], /^frame \d+ of the clip looks explicit/],
] as const)('%s that the checker refuses leaves one line and no file', async ([, prompt, flags, message]) => {
  const found = await generate(prompt, ...flags.map((flag) => (flag.endsWith('.png') ? at(flag) : flag)));
  expect(found.stderr.replace(/^note: .*\n/gm, '')).toMatch(message);
  expect(found.stderr.replace(/^note: .*\n/gm, '').split('\n')).toHaveLength(2);
  expect(found.code).toBe(2);
  expect(await readdir(outputs)).toEqual([]);
});

test('without the checker all of that is made', async () => {
  const { code } = await generate('A nude woman', '--image', at('picture.png'), '--no-enable-safety-checker');
  expect(code).toBe(0);
  expect(await readdir(outputs)).toEqual(['clip.mp4']);
});
