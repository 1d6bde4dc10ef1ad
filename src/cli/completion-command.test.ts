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

/** What a shell says is offered for the last of the words, with the script for it in a file. */
const asked: Readonly<Record<string, (words: readonly string[]) => string>> = {
  bash: (words) => `source completion; ${answer(words)}`,
  // As bashcompinit calls it.
  zsh: (words) =>
    `source completion; () { emulate -L sh; setopt kshglob noshglob braceexpand nounset; ${answer(words)} }`,
  fish: (words) => `source completion; complete -C 'soundstage ${words.join(' ')}' | string split -f 1 \\t; true`,
};

function answer(words: readonly string[]): string {
  const typed = words.map((word) => `'${word}'`).join(' ');
  return `COMP_WORDS=(soundstage ${typed}); COMP_CWORD=${words.length}; _soundstage; printf '%s\\n' "\${COMPREPLY[@]}"`;
}

const cleanFlags: Readonly<Record<string, string>> = { bash: '--norc', zsh: '-f', fish: '--no-config' };

describe.each(['bash', 'zsh', 'fish'])('in %s', (shell) => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'soundstage-completion-'));
    await writeFile(join(folder, 'completion'), await script(shell));
    await writeFile(join(folder, 'sound.wav'), '');
  });
  afterAll(() => rm(folder, { recursive: true }));

  function offered(...words: readonly string[]): readonly string[] {
    const program = asked[shell]?.(words) ?? '';
    const output = execFileSync(shell, [cleanFlags[shell] ?? '', '-c', program], { cwd: folder, encoding: 'utf8' });
    // zsh leaves the choice to whoever calls bashcompinit.
    const fitting = output.split('\n').filter((name) => name !== '' && name.startsWith(words.at(-1) ?? ''));
    return fitting.sort();
  }

  test.skipIf(!isInstalled(shell))('commands, commands of commands, flags and their values, and files', () => {
    const commands = ['completion', 'doctor', 'generate', 'models'];
    expect(offered('').filter((name) => !name.startsWith('-'))).toEqual(commands);
    expect(offered('mo')).toEqual(['models']);
    expect(offered('--v')).toEqual(['--version']);
    expect(offered('models', '').filter((name) => !name.startsWith('-'))).toEqual(['check', 'fetch', 'list']);
    expect(offered('models', 'fetch', '--camera-l')).toEqual(['--camera-loras']);
    expect(offered('generate', '--no-use')).toEqual(['--no-use-multiscale']);
    expect(offered('generate', '--device', 'c')).toEqual(['cpu', 'cuda']);
    expect(offered('generate', '--audio', 'so')).toEqual(['sound.wav']);
    expect(offered('completion', 'fi')).toEqual(['fish']);
  });

  test('every command and flag is in the script', async () => {
    const text = await script(shell);
    for (const name of ['generate', 'fetch', 'camera-loras', 'no-use-multiscale', 'version'])
      expect(text).toContain(name);
  });
});
