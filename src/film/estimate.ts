import { audioToVideoLora } from '../contract/endpoints/audio-to-video-lora.ts';
import type { Score } from '../contract/film/film-schema.ts';
import { cost, megapixels } from '../contract/price.ts';
import { filmSize } from './score.ts';

/** What making a film takes. */
export interface FilmEstimate {
  readonly frames: number;
  readonly parts: number;
  /** US dollars at the price of the endpoint for clips: each part is a clip, in whole megapixels. */
  readonly price: number;
  /** Bytes that its parts take on disk at most: as many as their pixels. */
  readonly maxBytes: number;
  /** Seconds of work left; undefined where no part has been made yet. */
  readonly seconds: number | undefined;
}

export function estimateFilm(
  score: Score,
  made: readonly { readonly seconds: number; readonly frames: number }[],
  framesLeft: number,
): FilmEstimate {
  const { width, height, made: full } = filmSize(score);
  const frames = score.parts.at(-1)?.end ?? 0;
  const units = score.parts.reduce((sum, { start, end }) => sum + megapixels(width, height, end - start), 0);
  const spent = made.reduce((sum, { seconds }) => sum + seconds, 0);
  const framesMade = made.reduce((sum, part) => sum + part.frames, 0);
  return {
    frames,
    parts: score.parts.length,
    price: cost(units, audioToVideoLora.price),
    maxBytes: full.width * full.height * 3 * frames,
    seconds: framesMade === 0 ? undefined : (spent / framesMade) * framesLeft,
  };
}
