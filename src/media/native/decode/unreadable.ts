import { type FileHandle, open } from 'node:fs/promises';
import { SoundstageError } from '../../../shared/errors.ts';

/** First bytes of files that hold sound, by the name that people know them by. */
const beginnings: readonly (readonly [name: string, pattern: RegExp])[] = [
  ['wav', /^(RIFF|RF64)....WAVE/s],
  ['aiff', /^FORM....AIF[FC]/s],
  ['flac', /^fLaC/],
  ['ogg', /^OggS/],
  ['webm or mkv', /^.E\xdf\xa3/s],
  ['mp3', /^ID3/],
  ['caf', /^caff/],
];

/** Says why the recording at `path`, which could not be opened, is of no use. */
export async function unreadable(path: string, field: string): Promise<SoundstageError> {
  await using file = await open(path);
  if (await isMovieWithoutIndex(file)) return withoutIndex(field);
  const { buffer, bytesRead } = await file.read(Buffer.alloc(12), 0, 12, 0);
  const start = buffer.toString('latin1', 0, bytesRead);
  const known = beginnings.find(([, pattern]) => pattern.test(start));
  const message =
    known === undefined
      ? `The ${field} file is not a recording that can be read: use mp3, wav, flac, m4a, ogg, webm, mp4 or mov.`
      : `The ${field} file begins like ${known[0]} but is cut off or damaged: fetch or export it again.`;
  return new SoundstageError('input', message, { field });
}

/** Says why the recording at `path`, in which no audio track was found, is of no use. */
export async function withoutSound(path: string, field: string): Promise<SoundstageError> {
  await using file = await open(path);
  if (await isMovieWithoutIndex(file)) return withoutIndex(field);
  const message = `The ${field} file has no audio track: choose a file that contains sound.`;
  return new SoundstageError('input', message, { field });
}

function withoutIndex(field: string): SoundstageError {
  const message =
    `The ${field} file is cut off: the index ("moov") that an mp4, m4a or mov file needs is missing or incomplete, ` +
    'so fetch or export it again.';
  return new SoundstageError('input', message, { field });
}

/** Boxes that an mp4, m4a or mov file may begin with. */
const firstBoxes = ['ftyp', 'moov', 'mdat', 'wide', 'free', 'skip', 'moof', 'styp', 'sidx', 'pnot'];

/** True for an ISO base media file (ISO 14496-12, section 4.2) or a QuickTime file without a complete `moov` box. */
async function isMovieWithoutIndex(file: FileHandle): Promise<boolean> {
  const { size: fileSize } = await file.stat();
  for (let at = 0, first = true; at < fileSize; first = false) {
    const { buffer: header, bytesRead } = await file.read(Buffer.alloc(16), 0, 16, at);
    const type = header.toString('latin1', 4, 8);
    if (first && (bytesRead < 8 || !firstBoxes.includes(type))) return false;
    const shortSize = header.readUInt32BE(0);
    const size = shortSize === 1 ? Number(header.readBigUInt64BE(8)) : shortSize === 0 ? fileSize - at : shortSize;
    if (type === 'moov') return at + size > fileSize;
    // A still picture (HEIC, AVIF) has its index elsewhere.
    if (type === 'meta') return false;
    if (size < 8) return true;
    at += size;
  }
  return true;
}
