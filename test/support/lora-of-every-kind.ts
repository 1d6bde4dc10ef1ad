import { join } from 'node:path';
import { bytesPerElement } from '../../src/graph/element-type.ts';
import { writeSafetensors } from '../../src/graph/weights/safetensors-writer.ts';
import type { AdaptableModules } from '../../src/ltx2/adaptable-modules.ts';
import { type Lora, readLora } from '../../src/ltx2/lora/lora.ts';

/**
 * A LoRA that changes every module, each in the next way, by zeros in the next type of number.
 *
 * @param folder where its file is written
 */
export async function loraOfEveryKind(folder: string, modules: AdaptableModules): Promise<Lora> {
  const types = ['float8e5m2', 'float8e4m3', 'float64', 'float16', 'bfloat16', 'float32'] as const;
  const tensors: Parameters<typeof writeSafetensors>[1][number][] = [];
  const add = (name: string, ...shape: number[]): void => {
    const dtype = types[tensors.length % types.length] ?? 'float32';
    const length = shape.reduce((product, side) => product * side, bytesPerElement(dtype));
    tensors.push({ name, dtype, shape, bytes: () => new Uint8Array(length) });
  };
  const pair = (module: string, outputs: number, inputs: number): void => {
    add(`${module}.lora_A.weight`, 2, inputs);
    add(`${module}.lora_B.weight`, outputs, 2);
  };
  const kinds: readonly ((module: string, outputs: number, inputs: number) => void)[] = [
    pair,
    (module, outputs, inputs) => {
      pair(module, outputs, inputs);
      add(`${module}.lora_B.bias`, outputs);
    },
    (module, outputs, inputs) => {
      pair(module, outputs, inputs);
      add(`${module}.dora_scale`, outputs, 1);
    },
    (module, outputs, inputs) => {
      for (const factor of ['w1', 'w2']) {
        add(`${module}.hada_${factor}_a`, outputs, 2);
        add(`${module}.hada_${factor}_b`, 2, inputs);
      }
    },
    (module, outputs, inputs) => {
      add(`${module}.lokr_w1`, 2, 2);
      add(`${module}.lokr_w2`, outputs / 2, inputs / 2);
    },
    (module, outputs, inputs) => {
      add(`${module}.diff`, outputs, inputs);
      add(`${module}.diff_b`, outputs);
    },
  ];
  let next = 0;
  for (const [module, { shape, isLinear }] of modules) {
    const [outputs = 0, inputs = 0] = shape;
    if (isLinear) kinds[next++ % kinds.length]?.(module, outputs, inputs);
    else add(`${module}.diff`, ...shape);
  }
  const path = join(folder, 'every-kind.safetensors');
  await writeSafetensors(path, tensors);
  const lora = await readLora(path, modules);
  if (lora.problem !== undefined) throw new Error(lora.problem);
  return lora;
}
