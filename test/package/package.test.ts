import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFile, glob, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { MediaService } from '../../src/media/media-service.ts';
import { blocksOf } from '../docs/blocks.ts';
import { readDocuments } from '../docs/documents.ts';
import { freePort } from '../support/programs/spawned.ts';
import { type InstalledPackage, installPackage } from './installed-package.ts';

const root = join(import.meta.dirname, '../..');
const run = promisify(execFile);
let installed: InstalledPackage;

beforeAll(async () => {
  installed = await installPackage();
  await copyFile(join(root, 'examples/hello.wav'), join(installed.folder, 'hello.wav'));
}, 300_000);
afterAll(() => installed?.[Symbol.asyncDispose]());

const typedProgram = `
  import { type Clip, type ClipInput, openSoundstage, SoundstageError } from 'soundstage';
  export async function make(input: ClipInput): Promise<Clip['file']['path'] | undefined> {
    await using soundstage = await openSoundstage({ device: 'cpu' });
    try {
      const clip = await soundstage.generate({ ...input, video_size: 'square' }, { onProgress: ({ phase }) => phase });
      // @ts-expect-error A size that there is not.
      await soundstage.generate({ ...input, video_size: 'huge' });
      return clip.file.path;
    } catch (error) {
      if (error instanceof SoundstageError && error.kind === 'input') return error.field;
      throw error;
    }
  }
`;

/** As npm's link to it does, without a shell. */
function soundstage(...parameters: readonly string[]): readonly [string, readonly string[]] {
  return [process.execPath, [join(installed.packageFolder, 'dist/main.js'), ...parameters]];
}

test('the package has what is needed and nothing else, in less than 60 MB', async () => {
  const files = await filesIn(installed.packageFolder, '**');
  const sources = (await filesIn(root, 'src/**/*.ts')).filter((name) => !/\.test(-support)?\.ts$/.test(name));
  const compiled = sources.flatMap((name) => {
    const [, path = ''] = /^src\/(.*)\.ts$/.exec(name) ?? [];
    return [`dist/${path}.js`, `dist/${path}.js.map`];
  });
  const types = ['api', 'clip-input', 'soundstage'].map((name) => `dist/library/${name}.d.ts`);
  const others = [
    ...types,
    'dist/shared/errors.d.ts',
    'CHANGELOG.md',
    'LICENSE',
    'README.md',
    'THIRD-PARTY.md',
    'package.json',
  ];
  const folders = ['docs/**', 'models/**', 'web/dist/**'];
  const data = (await Promise.all(folders.map((pattern) => filesIn(root, pattern)))).flat();
  expect(files).toEqual([...compiled, ...others, ...data].sort());
  expect(installed.packedSize).toBeLessThan(60e6);
});

test('`soundstage generate` makes a clip', async () => {
  const small = ['--video-size', '128x128', '--num-frames', '9', '--camera-lora', 'dolly_in', '--output', 'clip.mp4'];
  const [program, parameters] = soundstage('generate', '--audio', 'hello.wav', '--prompt', 'a girl talks', ...small);
  const options = { cwd: installed.folder, env: installed.environment };
  const { stdout } = await run(program, [...parameters, '--json', '--quiet'], options);
  expect(JSON.parse(stdout)).toMatchObject({ video: { width: 128, height: 128, num_frames: 9 } });
  await using media = new MediaService();
  const { video, audio } = await media.probe(join(installed.folder, 'clip.mp4'));
  expect([video?.frames, video?.codec, audio?.codec]).toEqual([9, 'h264', 'aac']);
}, 120_000);

test('npm links the command, which says how it is used', async () => {
  const command = process.platform === 'win32' ? 'soundstage.cmd' : 'soundstage';
  const options = { env: installed.environment, shell: process.platform === 'win32' };
  const { stdout, stderr } = await run(join(installed.folder, 'node_modules/.bin', command), ['--help'], options);
  expect(stdout).toContain('Usage: soundstage');
  expect(stderr).toBe('');
});

test('`soundstage serve` answers, with its page and its documentation', async () => {
  const port = await freePort();
  const [program, parameters] = soundstage('serve', '--port', String(port), '--log-level', 'error');
  const server = spawn(program, parameters, { cwd: installed.folder, env: installed.environment, stdio: 'pipe' });
  try {
    let output = '';
    server.stderr.on('data', (text) => {
      output += text;
    });
    await Promise.race([once(server.stdout, 'data'), once(server, 'exit')]);
    expect(output).toBe('');
    const health = await fetch(`http://127.0.0.1:${port}/health`);
    expect(await health.json()).toEqual({ status: 'ok' });
    const page = await fetch(`http://127.0.0.1:${port}/`);
    expect(await page.text()).toContain('<script type="module"');
    const document = await fetch(`http://127.0.0.1:${port}/docs/api`);
    expect([document.status, await document.text()]).toEqual([200, expect.stringContaining('id="temporary-tokens"')]);
  } finally {
    server.kill('SIGTERM');
    if (server.exitCode === null) await once(server, 'exit');
  }
}, 120_000);

test('the library makes the clip of its documentation', async () => {
  const documents = (await readDocuments()).filter(({ name }) => name === 'docs/library.md');
  const examples = documents.flatMap(blocksOf).filter(({ text }) => /from 'soundstage'/.test(text));
  expect(examples).toHaveLength(1);
  for (const { text } of examples) await writeFile(join(installed.folder, 'example.mjs'), text);
  const options = { cwd: installed.folder, env: installed.environment };
  const { stdout, stderr } = await run(process.execPath, ['example.mjs'], options);
  expect(stderr).toBe('');
  expect(stdout).toMatch(/100 % decode\n\S+girl\.mp4: 25 frames, seed \d+, [\d.]+ s\n$/);
}, 120_000);

test('nothing but the library itself can be imported', async () => {
  const program = `
    for (const name of ['soundstage/dist/main.js', 'soundstage/dist/pipeline/engine/engine.js'])
      console.log(await import(name).catch(({ code }) => code));
    console.log(Object.keys(await import('soundstage')));
  `;
  const options = { cwd: installed.folder, env: installed.environment };
  const { stdout } = await run(process.execPath, ['--input-type=module', '--eval', program], options);
  const refused = 'ERR_PACKAGE_PATH_NOT_EXPORTED\n';
  expect(stdout).toBe(`${refused}${refused}[ 'SoundstageError', 'openSoundstage' ]\n`);
});

test('the types are those that were agreed on, and a compiler takes them', async () => {
  const names = ['library/soundstage', 'library/api', 'library/clip-input', 'shared/errors'];
  const texts = names.map((name) => readFile(join(installed.packageFolder, `dist/${name}.d.ts`), 'utf8'));
  // A change here is a change for other people's programs: `npx vitest run test/package -u`, and say so in CHANGELOG.md.
  await expect((await Promise.all(texts)).join('\n')).toMatchFileSnapshot('exported-types.txt');

  await writeFile(join(installed.folder, 'typed.ts'), typedProgram);
  const flags = ['--noEmit', '--strict', '--module', 'nodenext', '--target', 'es2024', '--types', ''];
  const compiler = join(root, 'node_modules/typescript/bin/tsc');
  const lib = ['--lib', 'es2024,esnext.disposable,dom'];
  const options = { cwd: installed.folder, env: installed.environment };
  await run(process.execPath, [compiler, ...flags, ...lib, 'typed.ts'], options);
}, 120_000);

test('an error points to the sources, which come along with the maps', async () => {
  const map = JSON.parse(await readFile(join(installed.packageFolder, 'dist/main.js.map'), 'utf8'));
  expect(map).toMatchObject({ sourcesContent: [await readFile(join(root, 'src/main.ts'), 'utf8')] });
});

async function filesIn(folder: string, pattern: string): Promise<readonly string[]> {
  const files: string[] = [];
  for await (const entry of glob(pattern, { cwd: folder, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name).slice(folder.length + 1);
    if (entry.isFile() && !path.startsWith('node_modules')) files.push(path.replaceAll('\\', '/'));
  }
  return files.sort();
}
