import { open } from 'node:fs/promises';
import { elementAt } from '../../../../shared/element-at.ts';
import { SoundstageError } from '../../../../shared/errors.ts';
import type { SoundInput } from './sound-input.ts';

/** Containers whose header says how long the sound is, in a way that does not depend on what follows. */
const statingContainers = /mp3|wav|w64|flac|mov|mp4|matroska|webm|aiff|au|caf|asf|avi|ape|tta|wv/;

/** Seconds of sound that the file itself says it holds; undefined where it does not say. */
async function statedDuration({ input, stream }: SoundInput, path: string): Promise<number | undefined> {
  const { container } = input;
  if (!statingContainers.test(container)) return undefined;
  // One length for all streams, whichever is the longest.
  if (container === 'asf' && input.streamCount > 1) return undefined;
  // A fragmented file says it piece by piece; FFmpeg sums that up, and guesses at the last piece.
  if (container.includes('mp4') && stream.nbFrames === 0n) return undefined;
  // The number of samples in the header is wrong in many files.
  if (container === 'wav' && !(await wavEndsEarly(path, input.fileSize))) return undefined;
  // One length for all streams here too, and it says that something is missing only where the file is shorter than it should be.
  if (container.includes('matroska') && input.streamCount > 1) {
    return (await matroskaEndsEarly(path, input.fileSize)) ? input.wholeDuration : undefined;
  }
  return input.headerDuration(stream);
}

/**
 * Refuses a recording that holds clearly less than it says: a download that broke off would otherwise become a clip that
 * breaks off.
 *
 * @param decoded seconds that could be decoded, of the whole stream
 * @param reached seconds on the file's clock at which the last of it is over; more than `decoded` after a late start or a gap
 */
export async function requireWhole(
  sound: SoundInput,
  { path, field }: { readonly path: string; readonly field: string },
  decoded: number,
  reached: number,
): Promise<void> {
  const stated = await statedDuration(sound, path);
  // Codec priming and a damaged packet or two are no truncation.
  if (stated === undefined || Math.max(decoded, reached) >= stated * 0.98 - 0.1) return;
  const message =
    `The ${field} file is cut off: it says ${stated.toFixed(1)} s and holds ${decoded.toFixed(1)} s, ` +
    'so fetch or export it again.';
  throw new SoundstageError('input', message, { field });
}

/** True when the file is smaller than its first chunk, which contains all others. */
async function wavEndsEarly(path: string, fileSize: number): Promise<boolean> {
  await using file = await open(path);
  const { buffer } = await file.read(Buffer.alloc(8), 0, 8, 0);
  return buffer.readUInt32LE(4) + 8 > fileSize;
}

/** True when the file is smaller than its segment, which contains all else; a recording made live does not say how large that is. */
async function matroskaEndsEarly(path: string, fileSize: number): Promise<boolean> {
  await using file = await open(path);
  const { buffer } = await file.read(Buffer.alloc(128), 0, 128, 0);
  const header = sizeOf(buffer, 4);
  if (header === undefined) return false;
  const segment = header.next + header.size;
  if (segment + 12 > buffer.length || buffer.readUInt32BE(segment) !== segmentId) return false;
  const content = sizeOf(buffer, segment + 4);
  return content !== undefined && content.next + content.size > fileSize;
}

const segmentId = 0x18538067;

/** The size of an element (RFC 8794, section 4), and where its content begins; undefined where it is unknown. */
function sizeOf(bytes: Buffer, at: number): { readonly size: number; readonly next: number } | undefined {
  const length = Math.clz32(elementAt(bytes, at)) - 23;
  if (length > 8) return undefined;
  let size = elementAt(bytes, at) & (0xff >> length);
  let isUnknown = size === 0xff >> length;
  for (const byte of bytes.subarray(at + 1, at + length)) {
    size = size * 256 + byte;
    isUnknown &&= byte === 0xff;
  }
  return isUnknown ? undefined : { size, next: at + length };
}
