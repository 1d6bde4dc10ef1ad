import { type FileHandle, open, realpath, stat } from 'node:fs/promises';
import { SoundstageError } from '../../shared/errors.ts';
import { mistakenContent, telltaleBytes } from '../../shared/folders/mistaken-content.ts';
import { bytesPerElement, type ElementType, elementTypeFromSafetensors } from '../element-type.ts';

/** Where a tensor lies in a file; enough for a graph to use it in place. */
export interface StoredTensor {
  readonly name: string;
  /** Real path (links resolved), as the runtime demands of external data. */
  readonly file: string;
  readonly dtype: ElementType;
  readonly shape: readonly number[];
  /** Bytes from the start of the file. */
  readonly offset: number;
  readonly length: number;
  /** Its value, of a scale: a single number in float32 that a weight is multiplied by. */
  readonly scale?: number;
}

/** The parsed header of one safetensors file. Holds no file handle. */
export interface SafetensorsHeader {
  readonly file: string;
  readonly tensors: ReadonlyMap<string, StoredTensor>;
  readonly metadata: Readonly<Record<string, string>>;
}

/** The limit of the format's own reference implementation. */
const maximumHeaderBytes = 100_000_000;

/**
 * Reads and validates a safetensors header: length cap, JSON shape, known types, dtype × shape = bytes, and data
 * ranges that cover the rest of the file exactly, without gaps or overlaps.
 *
 * @throws SoundstageError `weights` that names the file and what is wrong with it
 */
export async function readSafetensorsHeader(path: string): Promise<SafetensorsHeader> {
  const file = await realpath(path).catch((cause: unknown) => {
    throw new SoundstageError('weights', `weight file ${path} does not exist`, { cause });
  });
  // Opening a pipe would wait for a writer.
  if (!(await stat(file)).isFile()) throw corrupt(file, 'it is not a file');
  await using handle = await open(file, 'r').catch((cause: unknown) => {
    throw new SoundstageError('weights', `weight file ${file} cannot be opened`, { cause });
  });
  const { size } = await handle.stat();
  const headerLength = await readHeaderLength(handle, file, size);
  const bytes = await readExactly(handle, 8, headerLength, file);
  const header = parseHeader(file, bytes, 8 + headerLength, size);
  return Object.freeze({ ...header, tensors: await withScales(handle, header) });
}

/** The tensors of a file with the values of its scales. */
async function withScales(
  handle: FileHandle,
  { file, tensors }: SafetensorsHeader,
): Promise<ReadonlyMap<string, StoredTensor>> {
  const scales = [...tensors.values()].filter(isScale).toSorted((a, b) => a.offset - b.offset);
  if (scales.length === 0) return tensors;
  const known = new Map(tensors);
  // Of a file with a thousand scales, most lie in one place.
  for (let from = 0; from < scales.length; ) {
    const start = scales[from]?.offset ?? 0;
    const behind = scales.findIndex(({ offset }, index) => index > from && offset !== start + 4 * (index - from));
    const run = scales.slice(from, behind === -1 ? scales.length : behind);
    const values = await readExactly(handle, start, 4 * run.length, file);
    run.forEach((tensor, index) => {
      known.set(tensor.name, Object.freeze({ ...tensor, scale: values.readFloatLE(4 * index) }));
    });
    from += run.length;
  }
  return known;
}

function isScale({ name, dtype, length }: StoredTensor): boolean {
  return name.endsWith('_scale') && dtype === 'float32' && length === bytesPerElement(dtype);
}

async function readHeaderLength(handle: FileHandle, file: string, size: number): Promise<number> {
  if (size < 8) throw corrupt(file, `it has only ${size} bytes`);
  const first = await readExactly(handle, 0, 8, file);
  const length = first.readBigUInt64LE();
  // Only where no header can be: a true header's length may begin with the same bytes.
  if (length > BigInt(maximumHeaderBytes)) {
    if (isPickle(first)) throw corrupt(file, pickleAdvice);
    const mistaken = mistakenContent(await readExactly(handle, 0, Math.min(size, telltaleBytes), file));
    throw corrupt(file, mistaken === undefined ? `its header claims ${length} bytes` : `it is ${mistaken}`);
  }
  if (length > BigInt(size - 8)) throw corrupt(file, 'it ends inside its header; the download may be incomplete');
  return Number(length);
}

const pickleAdvice = 'it is a pickle, which can run code; convert it to safetensors';

/** Zip archives (PyTorch's .pt/.ckpt) start with "PK", bare pickles with 0x80 and a protocol number. */
function isPickle(first: Buffer): boolean {
  return first.toString('latin1', 0, 2) === 'PK' || (first[0] === 0x80 && (first[1] ?? 9) <= 5);
}

async function readExactly(handle: FileHandle, offset: number, length: number, file: string): Promise<Buffer> {
  const buffer = Buffer.alloc(length);
  let done = 0;
  while (done < length) {
    const { bytesRead } = await handle.read(buffer, done, length - done, offset + done);
    if (bytesRead === 0) throw corrupt(file, 'it ended while being read');
    done += bytesRead;
  }
  return buffer;
}

function parseHeader(file: string, bytes: Buffer, dataStart: number, size: number): SafetensorsHeader {
  let header: unknown;
  try {
    header = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (cause) {
    throw corrupt(file, 'its header is not JSON', cause);
  }
  if (!isRecord(header)) throw corrupt(file, 'its header is not a JSON object');
  const { __metadata__: given, ...entries } = header;
  const metadata = given ?? {}; // The reference implementation takes null for none.
  if (!isRecord(metadata) || Object.values(metadata).some((value) => typeof value !== 'string')) {
    throw corrupt(file, 'its __metadata__ is not a map of strings');
  }
  const tensors = Object.entries(entries).map(([name, entry]) => parseEntry(file, name, entry, dataStart));
  checkCoverage(file, tensors, dataStart, size);
  return Object.freeze({
    file,
    tensors: new Map(tensors.map((tensor) => [tensor.name, tensor])),
    metadata: metadata as Record<string, string>,
  });
}

function parseEntry(file: string, name: string, entry: unknown, dataStart: number): StoredTensor {
  if (!isRecord(entry)) throw corrupt(file, `the entry of "${name}" is not an object`);
  const { dtype: typeName, shape, data_offsets: offsets } = entry;
  const dtype = typeof typeName === 'string' ? elementTypeFromSafetensors(typeName) : undefined;
  if (dtype === undefined) throw corrupt(file, `"${name}" has the unsupported type ${JSON.stringify(typeName)}`);
  if (!isSizes(shape)) throw corrupt(file, `"${name}" has the bad shape ${JSON.stringify(shape)}`);
  if (!isSizes(offsets) || offsets.length !== 2) throw corrupt(file, `"${name}" has bad data offsets`);
  const [start, end] = offsets as [number, number];
  const bytes = shape.reduce((product, length) => product * length, bytesPerElement(dtype));
  if (end - start !== bytes) {
    throw corrupt(file, `"${name}" holds ${end - start} bytes, but ${typeName} [${shape}] takes ${bytes}`);
  }
  return Object.freeze({ name, file, dtype, shape, offset: dataStart + start, length: bytes });
}

function checkCoverage(file: string, tensors: readonly StoredTensor[], dataStart: number, size: number): void {
  let position = dataStart;
  for (const tensor of tensors.toSorted((a, b) => a.offset - b.offset || a.length - b.length)) {
    if (tensor.offset !== position) throw corrupt(file, `"${tensor.name}" leaves a gap or overlaps its neighbor`);
    position += tensor.length;
  }
  if (position > size) throw corrupt(file, `it is cut off: ${size} of ${position} bytes are there`);
  if (position < size) throw corrupt(file, `it has ${size - position} unexplained bytes at its end`);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isSizes(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((item) => Number.isSafeInteger(item) && item >= 0);
}

function corrupt(file: string, what: string, cause?: unknown): SoundstageError {
  return new SoundstageError('weights', `${file} is not a usable safetensors file: ${what}`, { cause });
}
