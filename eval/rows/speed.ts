import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { SoundstageError } from '../../src/shared/errors.ts';
import { atMost, inSeconds, type Row, type RowContext, type RowResult } from '../row.ts';

const aims = { usual: 13, demo: 2.5 } as const;
const root = join(import.meta.dirname, '../..');

/** For the model that is measured; the recording and the prompt are those of the demo. */
export function speedRow(model: string): Row {
  return {
    name: 'speed',
    about: 'whole commands, from their start to the finished file',
    async run({ studio, step }: RowContext): Promise<RowResult> {
      const output = join(studio.folder, 'speed.mp4');
      const usual = [
        '--audio',
        'examples/hello.wav',
        '--prompt',
        'A woman speaks to the camera',
        '--num-frames',
        '121',
      ];
      step('the default request');
      const usualSeconds = await secondsOf([...usual, '--output', output, '--model', model], studio.signal);
      step('the demo');
      const demoSeconds = await secondsOf(
        [...(await demoArguments()), '--output', output, '--model', model],
        studio.signal,
      );
      const cores = `${availableParallelism()} cores`;
      return {
        findings: [
          atMost(`default request, 1024×768, 121 frames, ${cores}`, usualSeconds, aims.usual, inSeconds),
          atMost(`npm run demo once installed, ${cores}`, demoSeconds, aims.demo, inSeconds),
        ],
      };
    },
  };
}

/** What `npm run demo` passes to `generate`, but for the output. */
async function demoArguments(): Promise<string[]> {
  const { scripts }: { scripts: { demo: string } } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'));
  const words = [...scripts.demo.matchAll(/"[^"]*"|\S+/g)].map(([word]) => word.replaceAll('"', ''));
  const given = words.slice(words.indexOf('generate') + 1);
  const output = given.indexOf('--output');
  return output < 0 ? given : given.toSpliced(output, 2);
}

/** Wall seconds of `generate` in a process of its own. */
async function secondsOf(given: readonly string[], signal: AbortSignal): Promise<number> {
  const started = performance.now();
  const command = ['--disable-warning=ExperimentalWarning', 'src/main.ts', 'generate', '--quiet', ...given];
  const child = spawn(process.execPath, command, { cwd: root, stdio: ['ignore', 'ignore', 'pipe'], signal });
  let errors = '';
  child.stderr.on('data', (text: Buffer) => {
    errors += text;
  });
  const code = await new Promise<number | null>((resolve, reject) => {
    child.on('close', resolve);
    child.on('error', (cause) =>
      reject(signal.aborted ? new SoundstageError('cancelled', 'cancelled', { cause }) : cause),
    );
  });
  if (code !== 0) throw new SoundstageError('crash', `generate failed: ${errors.trim()}`);
  return (performance.now() - started) / 1000;
}
