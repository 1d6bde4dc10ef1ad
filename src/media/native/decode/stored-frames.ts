import { SoundstageError } from '../../../shared/errors.ts';
import type { FramesFile } from '../../raw/frames-file.ts';
import { openRawFile } from '../../raw/raw-file.ts';
import { decodeVideoFrames, type VideoFrame } from './video-frames.ts';

export interface StoredFramesRequest {
  /** A file that was written as `FFV1 (.mkv)`. */
  readonly path: string;
  /** Which of its frames. */
  readonly first: number;
  readonly count: number;
  /** Where they go. */
  readonly output: string;
}

/** Takes frames out of a lossless file. @throws SoundstageError `input` where it has not so many */
export async function storedFrames({ path, first, count, output }: StoredFramesRequest): Promise<FramesFile> {
  await using file = await openRawFile(output);
  let found: VideoFrame | undefined;
  let frames = 0;
  for await (const frame of decodeVideoFrames(path, { first, count })) {
    found = frame;
    frames++;
    await file.append(frame.rgb);
  }
  if (found === undefined || frames !== count) {
    throw new SoundstageError('input', `${path} has no frames ${first} to ${first + count - 1}: it is damaged`);
  }
  return { path: output, width: found.width, height: found.height, frames };
}
