import { open } from 'node:fs/promises';
import { elementAt } from '../../../../shared/element-at.ts';
import type { FilePart } from '../media-input.ts';

/** Page header: "OggS", version, flags, position, serial number, sequence, checksum, number of lacing values (RFC 3533). */
const headerBytes = 27;
const [flagsAt, lacingCountAt] = [5, 26];
const beginsStream = 0x02;
const windowBytes = 2 ** 18;

/**
 * The parts of an Ogg file one after the other. A recorded radio program, or files joined end to end, is a chain of complete
 * streams, each with headers, a format and a clock of its own (RFC 3533, section 4); most files have one part.
 *
 * @returns nothing for a file that is not Ogg.
 */
export async function oggParts(path: string): Promise<readonly FilePart[]> {
  await using file = await open(path);
  const { size } = await file.stat();
  let window = { start: 0, bytes: Buffer.alloc(0) };
  const read = async (start: number, length: number): Promise<Buffer> => {
    if (start < window.start || start + length > window.start + window.bytes.length) {
      const { buffer, bytesRead } = await file.read(Buffer.alloc(windowBytes), 0, windowBytes, start);
      window = { start, bytes: buffer.subarray(0, bytesRead) };
    }
    return window.bytes.subarray(start - window.start, start - window.start + length);
  };

  if ((await read(0, 4)).toString('latin1') !== 'OggS') return [];
  const starts: number[] = [];
  let afterBeginning = false;
  for (let at = 0; at + headerBytes <= size; ) {
    const header = await read(at, headerBytes);
    if (header.toString('latin1', 0, 4) !== 'OggS') {
      // Damage: on to the next page. The last three bytes may be the start of its mark.
      const rest = await read(at, windowBytes);
      const found = rest.indexOf('OggS');
      at += found < 0 ? Math.max(1, rest.length - 3) : found;
      continue;
    }
    const begins = (elementAt(header, flagsAt) & beginsStream) !== 0;
    // The streams of one part, such as picture and sound, all begin before anything else of it comes.
    if (begins && (afterBeginning || starts.length === 0)) starts.push(at);
    afterBeginning = !begins;
    const lacing = await read(at + headerBytes, elementAt(header, lacingCountAt));
    at += headerBytes + lacing.length + lacing.reduce((sum, length) => sum + length, 0);
  }
  // Whatever comes before the first beginning belongs to it.
  return [0, ...starts.slice(1)].map((start, index) => ({ start, end: starts[index + 1] ?? size }));
}
