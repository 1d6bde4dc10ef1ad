import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TensorToWrite, writeSafetensors } from '../../src/graph/weights/safetensors-writer.ts';
import { seededNormals } from '../../src/ltx2/sampling/noise.ts';

export interface RandomGemmaOptions {
  /** Settings that differ from the small default. */
  readonly text?: Readonly<Record<string, unknown>>;
  readonly prefix?: string;
  readonly shards?: number;
}

const defaults = {
  hidden_size: 32,
  num_hidden_layers: 4,
  num_attention_heads: 4,
  num_key_value_heads: 2,
  head_dim: 16,
  intermediate_size: 64,
  vocab_size: 200,
  query_pre_attn_scalar: 16,
  sliding_window: 8,
  sliding_window_pattern: 3,
  rope_scaling: { rope_type: 'linear', factor: 8 },
};

/** Writes a Gemma 3 folder with small random bf16 weights. */
export async function writeRandomGemma(folder: string, options: RandomGemmaOptions = {}): Promise<void> {
  const { text = {}, prefix = 'language_model.model.', shards = 1 } = options;
  const config = { ...defaults, ...text };
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'config.json'), JSON.stringify({ text_config: config, eos_token_id: [1, 106] }));
  const tensors = shapes(config).map(([name, shape], stream) => randomTensor(`${prefix}${name}`, shape, stream));
  if (shards === 1) return await writeSafetensors(join(folder, 'model.safetensors'), tensors);
  const files = Array.from({ length: shards }, (_, index) => `model-0000${index + 1}-of-0000${shards}.safetensors`);
  const fileOf = (index: number): string => files[index % shards] as string;
  for (const file of files) {
    await writeSafetensors(
      join(folder, file),
      tensors.filter((_, index) => fileOf(index) === file),
    );
  }
  const map = Object.fromEntries(tensors.map(({ name }, index) => [name, fileOf(index)]));
  await writeFile(join(folder, 'model.safetensors.index.json'), JSON.stringify({ weight_map: map }));
}

function shapes(config: typeof defaults): (readonly [string, readonly number[]])[] {
  const { hidden_size: hidden, intermediate_size: intermediate, head_dim: headDim } = config;
  const [queries, keys] = [config.num_attention_heads * headDim, config.num_key_value_heads * headDim];
  const layers = Array.from({ length: config.num_hidden_layers }, (_, index): (readonly [string, number[]])[] => [
    [`layers.${index}.self_attn.q_proj.weight`, [queries, hidden]],
    [`layers.${index}.self_attn.k_proj.weight`, [keys, hidden]],
    [`layers.${index}.self_attn.v_proj.weight`, [keys, hidden]],
    [`layers.${index}.self_attn.o_proj.weight`, [hidden, queries]],
    [`layers.${index}.self_attn.q_norm.weight`, [headDim]],
    [`layers.${index}.self_attn.k_norm.weight`, [headDim]],
    [`layers.${index}.mlp.gate_proj.weight`, [intermediate, hidden]],
    [`layers.${index}.mlp.up_proj.weight`, [intermediate, hidden]],
    [`layers.${index}.mlp.down_proj.weight`, [hidden, intermediate]],
    [`layers.${index}.input_layernorm.weight`, [hidden]],
    [`layers.${index}.post_attention_layernorm.weight`, [hidden]],
    [`layers.${index}.pre_feedforward_layernorm.weight`, [hidden]],
    [`layers.${index}.post_feedforward_layernorm.weight`, [hidden]],
  ]);
  return [['embed_tokens.weight', [config.vocab_size, hidden]], ...layers.flat(), ['norm.weight', [hidden]]];
}

function randomTensor(name: string, shape: readonly number[], stream: number): TensorToWrite {
  const count = shape.reduce((product, length) => product * length, 1);
  return {
    name,
    shape,
    dtype: 'bfloat16',
    // The upper half of a float32.
    bytes: () => {
      const floats = seededNormals(7, stream, count).map((value) => value * 0.2);
      const bits = new Uint32Array(floats.buffer);
      return new Uint8Array(Uint16Array.from(bits, (word) => word >>> 16).buffer);
    },
  };
}
