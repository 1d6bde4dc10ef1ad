import type { Score } from '../contract/film/film-schema.ts';
import type { MediaService } from '../media/media-service.ts';
import type { VideoFile } from '../media/video-encoder.ts';
import { filmSize } from './score.ts';

export interface JoinOptions {
  /** Stored parts, from the first on. */
  readonly parts: readonly string[];
  /** The recording. */
  readonly audio: string;
  readonly output: string;
  readonly signal?: AbortSignal | undefined;
  /** Told of each part that is in. */
  readonly onPart?: ((index: number) => void) | undefined;
}

/** Makes one file of parts, in one go from the first frame to the last, with the recording as its sound. */
export async function joinFilm(score: Score, media: MediaService, options: JoinOptions): Promise<VideoFile> {
  const { parts, audio, output, signal, onPart } = options;
  const { width, height, crop } = filmSize(score);
  const { video_output_type: type, video_quality: quality, video_write_mode: writeMode, fps } = score;
  const settings = { path: output, type, quality, writeMode, width, height, fps };
  await using encoder = await media.openEncoder({ ...settings, audio: { source: 'file', path: audio } }, signal);
  for (const [index, part] of parts.entries()) {
    await encoder.append(part, crop);
    onPart?.(index);
  }
  return await encoder.finish();
}
