import { spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { endsWithStarter } from './orphan-watch.ts';

const watcher = join(import.meta.dirname, 'orphan-watch.ts');

/** A program that npm's shell started, and which is alone when that shell is killed; resolves to what it says in the end. */
async function orphan(environment: Readonly<Record<string, string>>): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'soundstage-orphan-'));
  try {
    const program = `
      import { endsWithStarter } from ${JSON.stringify(watcher)};
      using ending = endsWithStarter(new AbortController().signal);
      const stay = setTimeout(() => console.log('still here'), 4000);
      ending.signal.addEventListener('abort', () => { console.log('ended'); clearTimeout(stay); });
      console.log('started');
      await new Promise((resolve) => { setTimeout(resolve, 4100); ending.signal.addEventListener('abort', resolve); });
    `;
    await writeFile(join(folder, 'program.mjs'), program);
    const { npm_lifecycle_event: _, ...others } = process.env;
    const shell = spawn('sh', ['-c', `${process.execPath} program.mjs; true`], {
      cwd: folder,
      env: { ...others, ...environment },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let text = '';
    shell.stdout.setEncoding('utf8').on('data', (piece: string) => {
      if (text === '') shell.kill('SIGKILL');
      text += piece;
    });
    await new Promise((resolve) => shell.stdout.once('end', resolve));
    return text;
  } finally {
    await rm(folder, { recursive: true });
  }
}

test.skipIf(process.platform === 'win32')('what npm started ends when npm’s shell is gone', async () => {
  expect(await orphan({ npm_lifecycle_event: 'start' })).toBe('started\nended\n');
});

test.skipIf(process.platform === 'win32')('what was started otherwise stays', async () => {
  expect(await orphan({})).toBe('started\nstill here\n');
});

test('the caller’s own signal still ends it', () => {
  const controller = new AbortController();
  using ending = endsWithStarter(controller.signal, { npm_lifecycle_event: 'start' });
  controller.abort();
  expect(ending.signal.aborted).toBe(true);
});
