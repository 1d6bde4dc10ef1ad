import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { SeededRandom } from '../seeded-random.ts';

const subjects = ['the lighthouse', 'my sister', 'a yellow kite', 'the winter', 'this recipe', 'the piano', 'our bus'];
const verbs = ['was always', 'is nearly', 'may soon be', 'has become', 'turns out to be'];
const ends = ['older than it looks', 'worth waiting for', 'full of small wonders', 'hard to explain', 'quiet at night'];
const voices = ['en', 'en-us', 'en-gb-scotland', 'de', 'fr', 'es', 'it'];

const run = promisify(execFile);

/** Whether this machine can speak. */
export async function canSpeak(): Promise<boolean> {
  return await run('espeak-ng', ['--version']).then(
    () => true,
    () => false,
  );
}

/** Sentences that no training saw, spoken by espeak-ng into a wav file. */
export async function speakTo(path: string, seconds: number, random: SeededRandom): Promise<void> {
  const count = Math.ceil(seconds / 1.5);
  const sentences = Array.from(
    { length: count },
    () => `${random.pick(subjects)} ${random.pick(verbs)} ${random.pick(ends)}.`,
  );
  const settings = ['-v', random.pick(voices), '-s', `${120 + random.integer(60)}`, '-p', `${25 + random.integer(50)}`];
  await run('espeak-ng', [...settings, '-w', path, sentences.join(' ')]);
}
