import type { FilmPart, Score } from '../contract/film/film-schema.ts';
import { SoundstageError } from '../shared/errors.ts';
import { partAt } from './part-clip.ts';

/** A part to be made again, counted from 1. */
export interface Redo {
  readonly part: number;
  readonly seed?: number | undefined;
}

/**
 * The score with other seeds for parts. The end of such a part leads to the part after it, where that stays and goes on
 * from it.
 *
 * @param isThere whether a part, by its place, is made already
 * @param draw a seed for a part that is given none
 * @throws SoundstageError `input` where there is no such part
 */
export function withRedo(
  score: Score,
  redo: readonly Redo[],
  isThere: (index: number) => boolean,
  draw: () => number,
): Score {
  const again = new Map(redo.map(({ part, seed }) => [part - 1, seed]));
  for (const index of again.keys()) {
    if (score.parts[index] !== undefined) continue;
    const message = `there is no part ${index + 1}: the film has ${score.parts.length}`;
    throw new SoundstageError('input', message, { field: 'redo' });
  }
  const parts = score.parts.map((part, index): FilmPart => {
    if (!again.has(index)) return part;
    const stays = score.parts[index + 1]?.continues === true && !again.has(index + 1) && isThere(index + 1);
    return { ...part, seed: again.get(index) ?? draw(), meets_next: stays };
  });
  return { ...score, parts };
}

/** Which parts of a score can be taken from one that came before, where some of its parts are there. */
export function reusableParts(score: Score, before: Score, isThere: (index: number) => boolean): readonly boolean[] {
  const reusable: boolean[] = [];
  for (const [index, part] of score.parts.entries()) {
    const isSame = JSON.stringify(part) === JSON.stringify(before.parts[index]) && isThere(index);
    const follows = part.continues && !partAt(score, index - 1).meets_next;
    reusable.push(isSame && (!follows || reusable[index - 1] === true));
  }
  return reusable;
}
