import { type Checkpoint, openCheckpoint, storedTensor } from '../../graph/weights/checkpoint.ts';
import { quantizedNames, quantizeMatrix } from '../../graph/weights/quantized-matrix.ts';
import { type TensorToWrite, writeSafetensors } from '../../graph/weights/safetensors-writer.ts';
import { readStoredFloats } from '../../graph/weights/stored-tensor-values.ts';
import { elementAt } from '../../shared/element-at.ts';
import { transformerPath } from './modules.ts';

/**
 * What a layer may lose of its weight (`QuantizedMatrix`) to be computed in eight bits. Weights without outliers lose 0.004 (uniform) to
 * 0.01 (normal, wide rows), and all layers of the miniature but one less than 0.015.
 */
const largestError = 0.02;

/** The errors of all layers in a file, in the order of its modules. */
const errorsName = 'int8.errors';

interface Int8Module {
  readonly key: string;
  readonly outputs: number;
  readonly inputs: number;
}

/**
 * The linear layers that are worth it: those of the blocks that every step runs over all tokens. Keys and values of the text are
 * made once for a clip, out of rows with numbers that stand out too far.
 */
function int8Modules({ tensors }: Checkpoint): Int8Module[] {
  const modules: Int8Module[] = [];
  for (const [name, { shape }] of tensors) {
    const [outputs, inputs] = shape;
    if (!name.startsWith(`${transformerPath}.transformer_blocks.`) || !name.endsWith('.weight')) continue;
    if (shape.length !== 2 || outputs === undefined || inputs === undefined) continue;
    if (/attn2\.to_[kv]\.weight$/.test(name)) continue;
    modules.push({ key: name.slice(0, -'.weight'.length), outputs, inputs });
  }
  return modules;
}

/** Bytes of what `writeInt8Linears` writes, without its header. */
export function int8Bytes(bundle: Checkpoint): number {
  return int8Modules(bundle).reduce((sum, { outputs, inputs }) => sum + outputs * inputs + 4 * outputs + 4, 0);
}

/**
 * Writes the transformer's layers in eight bits, one at a time, with what each loses.
 *
 * @param limit the largest integer
 * @param onLayer awaited before each layer; may throw to stop
 */
export async function writeInt8Linears(
  bundle: Checkpoint,
  path: string,
  limit: number,
  onLayer: () => Promise<void>,
): Promise<void> {
  const modules = int8Modules(bundle);
  const errors = new Float32Array(modules.length);
  const tensors = modules.flatMap(({ key, outputs, inputs }, index): TensorToWrite[] => {
    const names = quantizedNames(key);
    let scales = new Float32Array();
    const values = async (): Promise<Uint8Array> => {
      await onLayer();
      const stored = storedTensor(bundle, `${key}.weight`);
      const scale = bundle.tensors.get(`${key}.weight_scale`)?.scale ?? 1;
      const made = quantizeMatrix(await readStoredFloats(stored), outputs, limit);
      scales = made.scales.map((value) => value * scale);
      errors[index] = made.error;
      return bytesOf(made.values);
    };
    return [
      { name: names.values, dtype: 'int8', shape: [inputs, outputs], bytes: values },
      { name: names.scales, dtype: 'float32', shape: [outputs], bytes: () => bytesOf(scales) },
    ];
  });
  tensors.push({ name: errorsName, dtype: 'float32', shape: [errors.length], bytes: () => bytesOf(errors) });
  await writeSafetensors(path, tensors);
}

/**
 * The layers of a file that `writeInt8Linears` has written, less those that lose too much: a checkpoint to join with the bundle.
 *
 * @throws SoundstageError `weights` if the file is damaged
 */
export async function openInt8Linears(bundle: Checkpoint, path: string): Promise<Checkpoint> {
  const file = await openCheckpoint(path);
  const errors = await readStoredFloats(storedTensor(file, errorsName));
  const kept = int8Modules(bundle).filter((_, index) => elementAt(errors, index) <= largestError);
  const names = kept.flatMap(({ key }) => Object.values(quantizedNames(key)));
  return { ...file, tensors: new Map(names.map((name) => [name, storedTensor(file, name)])) };
}

function bytesOf({ buffer, byteOffset, byteLength }: Int8Array | Float32Array): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}
