import { execFileSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { isInstalled } from '../../test/support/programs/installed.ts';
import { completionCommand } from './completion-command.ts';
import { doctorCommand } from './doctor-command.ts';
import { generateCommand } from './generate/generate-command.ts';
import { modelsCommand } from './models-command.ts';

const commands = async () => [generateCommand(), modelsCommand(), doctorCommand()];

async function script(shell: string): Promise<string> {
  let text = '';
  const command = completionCommand(commands, { write: (piece: string) => (text += piece) });
  await command.parseAsync([shell], { from: 'user' });
  return text;
}

describe.skipIf(!isInstalled('bash'))('in bash', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'soundstage-completion-'));
    await writeFile(join(folder, 'completion.bash'), await script('bash'));
    await writeFile(join(folder, 'sound.wav'), '');
  });
  afterAll(() => rm(folder, { recursive: true }));

  /** What is offered for the last of the words. */
  function offered(...words: readonly string[]): readonly string[] {
    const typed = words.map((word) => `'${word}'`).join(' ');
    const program = `source completion.bash; COMP_WORDS=(soundstage ${typed}); COMP_CWORD=${words.length}; _soundstage; printf '%s\\n' "\${COMPREPLY[@]}"`;
    return execFileSync('bash', ['-c', program], { cwd: folder, encoding: 'utf8' }).split('\n').filter(Boolean);
  }

  test('commands, commands of commands, and flags', () => {
    expect(offered('')).toEqual(['generate', 'models', 'doctor', 'completion', '--version', '--help']);
    expect(offered('mo')).toEqual(['models']);
    expect(offered('models', '')).toEqual(['list', 'fetch', 'check', '--help']);
    expect(offered('models', 'fetch', '--camera-l')).toEqual(['--camera-loras']);
    expect(offered('generate', '--no-use')).toEqual(['--no-use-multiscale']);
  });

  test('values of flags, and files where any may be meant', () => {
    expect(offered('generate', '--device', 'c')).toEqual(['cpu', 'cuda']);
    expect(offered('generate', '--audio', 'so')).toEqual(['sound.wav']);
    expect(offered('completion', 'fi')).toEqual(['fish']);
  });
});

test.each(['zsh', 'fish'])('for %s every command and flag is there', async (shell) => {
  const text = await script(shell);
  for (const name of ['generate', 'fetch', 'camera-loras', 'no-use-multiscale', 'version'])
    expect(text).toContain(name);
});
