import { open } from 'node:fs/promises';
import { SoundstageError } from '../../shared/errors.ts';
import { bytesPerElement, type ElementType, isFloat } from '../element-type.ts';
import { float16ToNumber } from './float16.ts';
import type { StoredTensor } from './safetensors.ts';

/**
 * `readStoredNumbers` for tensors that have to be floats.
 *
 * @throws SoundstageError `weights` if it holds no floats or its file has changed
 */
export async function readStoredFloats(tensor: StoredTensor): Promise<Float32Array> {
  if (isFloat(tensor.dtype)) return readStoredNumbers(tensor);
  throw new SoundstageError('weights', `"${tensor.name}" holds ${tensor.dtype}, not floats`);
}

/**
 * Reads a stored tensor of numbers of any type on the host, as float32. For the small tensors the host computes with;
 * networks use tensors in place.
 *
 * @throws SoundstageError `weights` if its file has changed
 */
export async function readStoredNumbers(tensor: StoredTensor): Promise<Float32Array> {
  const bytes = await readBytes(tensor);
  if (tensor.dtype === 'bfloat16') return widened(new Uint16Array(bytes.buffer));
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const read = readers[tensor.dtype];
  const count = bytes.byteLength / bytesPerElement(tensor.dtype);
  return Float32Array.from({ length: count }, (_, index) => read(view, index));
}

/** The upper halves of float32 as such. Written out, because a call for each of a billion numbers takes minutes. */
function widened(halves: Uint16Array): Float32Array {
  const words = new Uint32Array(halves.length);
  for (let at = 0; at < halves.length; at++) words[at] = (halves[at] as number) << 16;
  return new Float32Array(words.buffer);
}

/** Bytes looked at in one go: a pause for others comes after each. A multiple of every element's. */
const scannedBytes = 2 ** 22;

/** The first number of a stored tensor that float32 cannot hold as one: not a number, infinite, or too large. */
export async function firstNotFinite(
  tensor: StoredTensor,
): Promise<{ readonly index: number; readonly value: number } | undefined> {
  const read = readers[tensor.dtype];
  const size = bytesPerElement(tensor.dtype);
  for (let start = 0; start < tensor.length; start += scannedBytes) {
    const bytes = await readBytes(tensor, start, Math.min(scannedBytes, tensor.length - start));
    if (!mayBeNotFinite(bytes, tensor.dtype)) continue;
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    for (let index = 0; index < bytes.length / size; index++) {
      const value = Math.fround(read(view, index));
      if (!Number.isFinite(value)) return { index: start / size + index, value };
    }
  }
  return undefined;
}

/**
 * The exponents in a word of four bytes, one of which is all ones where a number is not finite (or, in float8e4m3, may not
 * be). Types without an entry have to be read.
 */
const exponents: Readonly<Partial<Record<ElementType, readonly number[]>>> = {
  float32: [0x7f80_0000],
  bfloat16: [0x7f80_0000, 0x7f80],
  float16: [0x7c00_0000, 0x7c00],
  float8e4m3: [0x7800_0000, 0x78_0000, 0x7800, 0x78],
  float8e5m2: [0x7c00_0000, 0x7c_0000, 0x7c00, 0x7c],
};

/** Looks at exponents alone, which is many times as fast as reading numbers. */
function mayBeNotFinite(bytes: Uint8Array, dtype: ElementType): boolean {
  const masks = exponents[dtype];
  if (masks === undefined || bytes.length % 4 !== 0) return true;
  const words = new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
  const [first = 0, second = first, third = second, fourth = third] = masks;
  for (let index = 0; index < words.length; index++) {
    const word = words[index] as number;
    if ((word & first) === first || (word & second) === second) return true;
    if ((word & third) === third || (word & fourth) === fourth) return true;
  }
  return false;
}

/** `length` of the stored bytes as they are, from `start` on, in a buffer of their own. */
export async function readBytes(tensor: StoredTensor, start = 0, length = tensor.length): Promise<Uint8Array> {
  await using handle = await open(tensor.file, 'r');
  const bytes = new Uint8Array(length);
  let done = 0;
  while (done < length) {
    const { bytesRead } = await handle.read(bytes, done, length - done, tensor.offset + start + done);
    if (bytesRead === 0) throw new SoundstageError('weights', `${tensor.file} was cut off while in use`);
    done += bytesRead;
  }
  return bytes;
}

const readers: Readonly<Record<ElementType, (view: DataView, index: number) => number>> = {
  float64: (view, index) => view.getFloat64(index * 8, true),
  float32: (view, index) => view.getFloat32(index * 4, true),
  float16: (view, index) => float16ToNumber(view.getUint16(index * 2, true)),
  bfloat16: (view, index) => {
    bits.setUint32(0, view.getUint16(index * 2, true) << 16);
    return bits.getFloat32(0);
  },
  float8e4m3: (view, index) => float8e4m3ToNumber(view.getUint8(index)),
  // The upper half of a float16.
  float8e5m2: (view, index) => float16ToNumber(view.getUint8(index) << 8),
  int64: (view, index) => Number(view.getBigInt64(index * 8, true)),
  int32: (view, index) => view.getInt32(index * 4, true),
  int16: (view, index) => view.getInt16(index * 2, true),
  int8: (view, index) => view.getInt8(index),
  uint8: (view, index) => view.getUint8(index),
  bool: (view, index) => view.getUint8(index),
};

const bits = new DataView(new ArrayBuffer(4));

/** e4m3fn: bias 7, no infinities, 0x7f and 0xff are NaN, subnormal step 2⁻⁹. */
function float8e4m3ToNumber(byte: number): number {
  const sign = byte & 0x80 ? -1 : 1;
  const exponent = (byte >> 3) & 0xf;
  const mantissa = byte & 7;
  if (exponent === 15 && mantissa === 7) return Number.NaN;
  if (exponent === 0) return sign * mantissa * 2 ** -9;
  return sign * (1 + mantissa / 8) * 2 ** (exponent - 7);
}
