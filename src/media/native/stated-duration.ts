import { open } from 'node:fs/promises';
import { AV_NOPTS_VALUE } from 'node-av/constants';
import type { Stream } from 'node-av/lib';
import { SoundstageError } from '../../shared/errors.ts';
import type { MediaInput } from './media-input.ts';

/** Containers that write down how long they are; others (raw aac, ac3, mpeg) are guessed from their bit rate. */
const statingContainers = /wav|w64|flac|mov|mp4|matroska|webm|aiff|caf|asf|avi/;
/** Names of the tags that hold an mp3's frame count. */
const mp3Tags = ['Xing', 'Info', 'VBRI'];
/** The tag lies in the first frame, which follows the ID3 tag; pictures in that are larger than this at times. */
const mp3TagReach = 2 ** 20;

/** Seconds of sound that the file itself says it holds; undefined where it does not say. */
async function statedDuration(input: MediaInput, stream: Stream, path: string): Promise<number | undefined> {
  const states = input.container === 'mp3' ? await hasMp3Tag(path) : statingContainers.test(input.container);
  if (!states) return undefined;
  // The container's length is the sound's only where there is nothing else in it.
  if (stream.duration === AV_NOPTS_VALUE) return input.streamCount === 1 ? input.duration : undefined;
  return (Number(stream.duration) * stream.timeBase.num) / stream.timeBase.den;
}

/**
 * Refuses a recording that holds clearly less than it says: a download that broke off would otherwise become a clip that
 * breaks off.
 *
 * @param decoded seconds that could be decoded, of the whole stream
 */
export async function requireWhole(
  input: MediaInput,
  stream: Stream,
  { path, field }: { readonly path: string; readonly field: string },
  decoded: number,
): Promise<void> {
  const stated = await statedDuration(input, stream, path);
  // Codec priming and a damaged packet or two are no truncation.
  if (stated === undefined || decoded >= stated * 0.98 - 0.1) return;
  const message =
    `The ${field} file is cut off: it says ${stated.toFixed(1)} s and holds ${decoded.toFixed(1)} s, ` +
    'so fetch or export it again.';
  throw new SoundstageError('input', message, { field });
}

async function hasMp3Tag(path: string): Promise<boolean> {
  await using file = await open(path, 'r');
  const { buffer, bytesRead } = await file.read(Buffer.alloc(mp3TagReach), 0, mp3TagReach, 0);
  const start = buffer.subarray(0, bytesRead);
  return mp3Tags.some((tag) => start.includes(tag));
}
