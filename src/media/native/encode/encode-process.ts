import { rmSync } from 'node:fs';
import { AV_LOG_ERROR } from 'node-av/constants';
import { Log } from 'node-av/lib';
import { cancelled } from '../../../shared/cancellation.ts';
import { Mutex } from '../../../shared/mutex.ts';
import { serveParentProcess } from '../../../shared/processes/service-host.ts';
import type { MediaInfo } from '../../media-info.ts';
import { endAtMemoryLimit } from '../../process/memory-limit.ts';
import { losslessVideo, type VideoEncoderSettings } from '../../video-settings.ts';
import { probe } from '../decode/probe.ts';
import { decodeVideoFrames, type VideoFrame } from '../decode/video-frames.ts';
import type { EncodeFiles, EncodeMethods, FrameCrop, FrameWriter } from './encode-methods.ts';
import { GifWriter } from './gif/gif-writer.ts';
import { LosslessWriter } from './lossless-writer.ts';
import { MovieWriter } from './movie-writer.ts';

// The process that makes one video file.

Log.setLevel(AV_LOG_ERROR);
endAtMemoryLimit();

interface Job {
  readonly writer: FrameWriter;
  readonly files: EncodeFiles;
  readonly frameBytes: number;
}

let opened: Job | undefined;
// Frames arrive while earlier ones are being encoded.
const mutex = new Mutex();

function job(): Job {
  if (opened === undefined) throw new Error('no video is being written');
  return opened;
}

serveParentProcess<EncodeMethods>({
  open: ({ settings, files }) =>
    mutex.run(async () => {
      // A parent that dies leaves nobody else to delete the files.
      process.on('exit', () => deleteFiles(files));
      const frameBytes = settings.width * settings.height * 3;
      opened = { writer: await openWriter(settings, files), files, frameBytes };
      return undefined;
    }),
  write: (frames) =>
    mutex.run(async () => {
      const { writer, frameBytes } = job();
      for (let offset = 0; offset < frames.length; offset += frameBytes) {
        await writer.write(frames.subarray(offset, offset + frameBytes));
      }
      return undefined;
    }),
  append: ({ path, crop }, { signal }) => mutex.run(() => append(job(), path, crop, signal)),
  finish: (_, { signal }) => mutex.run(() => finish(job(), signal)),
});

function openWriter(settings: VideoEncoderSettings, files: EncodeFiles): Promise<FrameWriter> {
  const { type } = settings;
  if (type === 'GIF (.gif)') return GifWriter.open(files, settings);
  if (type === losslessVideo) return LosslessWriter.open(files.output, settings);
  return MovieWriter.open(files.output, settings, type);
}

/** Writes all frames of a stored video. @returns how many */
async function append(
  { writer, frameBytes }: Job,
  path: string,
  crop: FrameCrop,
  signal: AbortSignal,
): Promise<number> {
  let frames = 0;
  for await (const frame of decodeVideoFrames(path)) {
    if (signal.aborted) throw cancelled();
    const rgb = cropped(frame, crop);
    if (rgb.length !== frameBytes) throw new Error(`${path} has frames of another size`);
    await writer.write(rgb);
    frames++;
  }
  return frames;
}

function cropped({ width, rgb }: VideoFrame, { left, top, width: columns, height: rows }: FrameCrop): Uint8Array {
  const result = new Uint8Array(columns * rows * 3);
  for (let row = 0; row < rows; row++) {
    const start = ((top + row) * width + left) * 3;
    result.set(rgb.subarray(start, start + columns * 3), row * columns * 3);
  }
  return result;
}

async function finish({ writer, files }: Job, signal: AbortSignal): Promise<MediaInfo> {
  await writer.finish();
  await writer[Symbol.asyncDispose]();
  return probe(files.output, 'video', signal);
}

function deleteFiles(files: EncodeFiles): void {
  for (const path of Object.values(files)) rmSync(path, { force: true });
}
