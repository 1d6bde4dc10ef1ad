import { open } from 'node:fs/promises';
import { SoundstageError } from '../shared/errors.ts';
import { bytesPerElement } from './element-type.ts';
import type { StoredTensor } from './safetensors.ts';

/**
 * Reads a stored tensor of floats of any width on the host, as float32. For the small tensors the host computes with;
 * networks use tensors in place.
 *
 * @throws SoundstageError `weights` if it holds no floats or its file has changed
 */
export async function readStoredFloats(tensor: StoredTensor): Promise<Float32Array> {
  const bytes = await readBytes(tensor);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const count = bytes.byteLength / bytesPerElement(tensor.dtype);
  const read = floatReaders[tensor.dtype];
  if (read === undefined) throw new SoundstageError('weights', `"${tensor.name}" holds ${tensor.dtype}, not floats`);
  return Float32Array.from({ length: count }, (_, index) => read(view, index));
}

/** The stored bytes as they are, in a buffer of their own. */
export async function readBytes(tensor: StoredTensor): Promise<Uint8Array> {
  await using handle = await open(tensor.file, 'r');
  const bytes = new Uint8Array(tensor.length);
  let done = 0;
  while (done < tensor.length) {
    const { bytesRead } = await handle.read(bytes, done, tensor.length - done, tensor.offset + done);
    if (bytesRead === 0) throw new SoundstageError('weights', `${tensor.file} was cut off while in use`);
    done += bytesRead;
  }
  return bytes;
}

const floatReaders: Partial<Record<StoredTensor['dtype'], (view: DataView, index: number) => number>> = {
  float64: (view, index) => view.getFloat64(index * 8, true),
  float32: (view, index) => view.getFloat32(index * 4, true),
  float16: (view, index) => view.getFloat16(index * 2, true),
  bfloat16: (view, index) => {
    bits.setUint32(0, view.getUint16(index * 2, true) << 16);
    return bits.getFloat32(0);
  },
  float8e4m3: (view, index) => float8e4m3ToNumber(view.getUint8(index)),
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
