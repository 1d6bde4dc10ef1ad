import type { Score } from '../contract/film/film-schema.ts';
import { SoundstageError } from '../shared/errors.ts';

/** What a film shows from a moment on. */
export interface TimedPrompt {
  readonly seconds: number;
  readonly prompt: string;
  /** Whether a new scene begins with it. */
  readonly isScene: boolean;
}

/** `1:05`, `1:02:03` or `0:07.5` at the beginning of an entry, then what follows it. */
const entryPattern = /^(?:(\d+):)?(\d+):(\d\d(?:\.\d+)?)\s+(\+\s*)?(.*)$/s;
/** Where entries part: a semicolon with a time after it. Others belong to the prompt. */
const separator = /;\s*(?=(?:\d+:)?\d+:\d\d(?:\.\d+)?\s)/;

/**
 * Reads prompts over time, `0:00 a woman sings; 0:45 a sea at night`. Text without a time is the prompt of the whole film.
 *
 * @throws SoundstageError `input` naming the entry
 */
export function readPromptTimeline(text: string): readonly TimedPrompt[] {
  const trimmed = text.trim().replace(/;$/, '');
  if (!entryPattern.test(trimmed)) return [{ seconds: 0, prompt: trimmed, isScene: true }];
  const entries = trimmed.split(separator).map(readEntry);
  entries.forEach(({ seconds, prompt }, index) => {
    const before = entries[index - 1]?.seconds ?? Number.NEGATIVE_INFINITY;
    if (index === 0 && seconds !== 0) {
      throw refused(`the first prompt begins at ${timeOf(seconds)}: let it begin at 0:00, where the film does`);
    }
    if (seconds <= before) {
      throw refused(`the prompts are out of order: ${timeOf(seconds)} comes after ${timeOf(before)}`);
    }
    if (prompt === '')
      throw refused(`there is no prompt after ${timeOf(seconds)}: say what the film shows from there on`);
  });
  return entries;
}

/** @throws SoundstageError `input` where a prompt begins when a film of so many seconds is over */
export function requireWithin(prompts: readonly TimedPrompt[], filmSeconds: number): void {
  const beyond = prompts.find(({ seconds }) => seconds >= filmSeconds);
  if (beyond === undefined) return;
  throw refused(
    `a prompt begins at ${timeOf(beyond.seconds)}, but the recording ends at ${timeOf(filmSeconds)}: leave it out, or move it`,
  );
}

/** @returns e.g. `0:07.5` or `1:02:03` */
export function timeOf(seconds: number): string {
  const tenths = Math.round(seconds * 10);
  const [hours, minutes, rest] = [Math.floor(tenths / 36_000), Math.floor(tenths / 600) % 60, (tenths % 600) / 10];
  const short = (Number.isInteger(rest) ? String(rest) : rest.toFixed(1)).padStart(Number.isInteger(rest) ? 2 : 4, '0');
  return hours > 0 ? `${hours}:${String(minutes).padStart(2, '0')}:${short}` : `${minutes}:${short}`;
}

/** The prompts of a score over time, as they are read. */
export function timelineOf({ parts, fps }: Pick<Score, 'parts' | 'fps'>): string {
  const changes = parts.filter(({ prompt }, index) => prompt !== parts[index - 1]?.prompt);
  if (changes.length === 1) return changes[0]?.prompt ?? '';
  const entries = changes.map(({ start, continues, prompt }) => {
    return `${timeOf(start / fps)} ${continues ? '+ ' : ''}${prompt}`;
  });
  return entries.join('; ');
}

function readEntry(text: string): TimedPrompt {
  const [, hours = '0', minutes = '0', seconds = '0', plus, prompt = ''] = entryPattern.exec(`${text} `) ?? [];
  return {
    seconds: Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds),
    prompt: prompt.trim(),
    isScene: plus === undefined,
  };
}

function refused(message: string): SoundstageError {
  return new SoundstageError('input', message, { field: 'prompt' });
}
