import { basename } from 'node:path';
import type { FilmEstimate } from '../../film/estimate.ts';
import type { Film } from '../../film/make-film.ts';
import { timeOf } from '../../film/prompt-timeline.ts';

/** What was made, for programs. */
export function filmReport({ file, score, parts, made }: Film, estimate: FilmEstimate | undefined): unknown {
  return {
    video: {
      url: file.path,
      content_type: file.contentType,
      file_name: basename(file.path),
      file_size: file.fileSize,
      width: file.width,
      height: file.height,
      fps: file.fps.num / file.fps.den,
      duration: file.duration,
      num_frames: file.frames,
    },
    seed: score.seed,
    price: estimate?.price,
    parts_made: made,
    parts: parts.map(({ seconds, prompt }, index) => ({ ...score.parts[index], prompt, seconds })),
  };
}

/** The same for people. */
export function filmSummary({ file, score, parts, made }: Film): string {
  const all = score.parts.length;
  const count = parts.length === all ? `${all} parts` : `the first ${parts.length} of ${all} parts`;
  const seconds = parts.reduce((sum, part) => sum + part.seconds, 0);
  return [
    file.path,
    `  ${file.width}×${file.height}, ${file.frames} frames, ${timeOf(file.duration)}, ${(file.fileSize / 1e6).toFixed(2)} MB`,
    `  ${count}, ${made} made now; seed ${score.seed}; ${seconds.toFixed(1)} s of work in all`,
    '',
  ].join('\n');
}
