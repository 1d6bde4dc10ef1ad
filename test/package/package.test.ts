import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFile, glob, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { MediaService } from '../../src/media/media-service.ts';
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
  const others = ['CHANGELOG.md', 'LICENSE', 'README.md', 'THIRD-PARTY.md', 'package.json'];
  const data = [...(await filesIn(root, 'models/**')), ...(await filesIn(root, 'web/dist/**'))];
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

test('`soundstage serve` answers, with its page', async () => {
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
  } finally {
    server.kill('SIGTERM');
    if (server.exitCode === null) await once(server, 'exit');
  }
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
