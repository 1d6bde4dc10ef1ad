import { join } from 'node:path';
import { Graph } from '../../graph/graph.ts';
import { graphTargets } from '../../graph/graph-target.ts';
import { add, gelu } from '../../graph/operations/arithmetic.ts';
import { scaledDotProductAttention } from '../../graph/operations/attention.ts';
import { convolve } from '../../graph/operations/convolution.ts';
import { layerNormalize, linear } from '../../graph/operations/layers.ts';
import { concat, reshape, slice, transpose } from '../../graph/operations/shapes.ts';
import { axisLength, type Value } from '../../graph/value.ts';
import { readSafetensorsHeader, type SafetensorsHeader } from '../../graph/weights/safetensors.ts';
import { SoundstageError } from '../../shared/errors.ts';
import type { PictureNetwork } from './picture-network.ts';
import { readVisionTransformerConfig, type VisionTransformerConfig } from './vision-transformer-config.ts';

/**
 * A ViT image classifier (Dosovitskiy et al. 2020) in Hugging Face layout: `config.json`, `preprocessor_config.json` and
 * `model.safetensors`, of any size, with weights used in place.
 *
 * @throws SoundstageError `weights` if files are missing or do not fit
 */
export async function openVisionTransformer(folder: string): Promise<PictureNetwork> {
  const { config, preparation } = await readVisionTransformerConfig(folder);
  const header = await readSafetensorsHeader(join(folder, 'model.safetensors'));
  const network = new VisionTransformer(new Graph(graphTargets.cpu), header, config);
  const { graph: g } = network;
  const pixels = g.input('pixels', 'float32', [1, 3, config.image_size, config.image_size]);
  let x = network.embed(pixels); // [N+1, D]
  for (let layer = 0; layer < config.num_hidden_layers; layer++) {
    x = g.scoped(`layer.${layer}`, () => network.layer(x, `vit.encoder.layer.${layer}`));
  }
  const first = slice(network.normalize(x, 'vit.layernorm'), 0, 0, 1); // [1, D]
  const logits = network.linear(first, 'classifier'); // [1, labels]
  g.output('logits', logits);
  return Object.freeze({ graph: g.build(), labels: labelsOf(config, logits, header.file), preparation });
}

class VisionTransformer {
  readonly graph: Graph;
  readonly #header: SafetensorsHeader;
  readonly #config: VisionTransformerConfig;

  constructor(graph: Graph, header: SafetensorsHeader, config: VisionTransformerConfig) {
    this.graph = graph;
    this.#header = header;
    this.#config = config;
  }

  /** `[1, 3, S, S]` → a token per patch behind the class token: `[N+1, D]`. */
  embed(pixels: Value): Value {
    const { patch_size: patch, image_size: side, hidden_size: width } = this.#config;
    const count = (side / patch) ** 2;
    const projection = 'vit.embeddings.patch_embeddings.projection';
    const patches = convolve(pixels, this.#parameter(`${projection}.weight`), this.#parameter(`${projection}.bias`), {
      strides: [patch, patch],
    }); // [1, D, S/P, S/P]
    const tokens = transpose(reshape(patches, [width, count]), [1, 0]); // [N, D]
    const classToken = reshape(this.#parameter('vit.embeddings.cls_token'), [1, width]);
    const positions = reshape(this.#parameter('vit.embeddings.position_embeddings'), [count + 1, width]);
    return add(concat([classToken, tokens], 0), positions);
  }

  /** Attention, then a perceptron, each behind a normalization and beside a shortcut. */
  layer(x: Value, path: string): Value {
    const normalized = this.normalize(x, `${path}.layernorm_before`);
    const project = (part: string): Value => this.linear(normalized, `${path}.attention.attention.${part}`);
    const heads = this.#config.num_attention_heads;
    const attended = scaledDotProductAttention(project('query'), project('key'), project('value'), heads);
    const seen = add(x, this.linear(attended, `${path}.attention.output.dense`));
    const wide = this.linear(this.normalize(seen, `${path}.layernorm_after`), `${path}.intermediate.dense`);
    const activated = gelu(wide, this.#config.hidden_act === 'gelu' ? 'exact' : 'tanh');
    return add(seen, this.linear(activated, `${path}.output.dense`));
  }

  normalize(x: Value, path: string): Value {
    const { layer_norm_eps: epsilon } = this.#config;
    return layerNormalize(x, epsilon, this.#parameter(`${path}.weight`), this.#parameter(`${path}.bias`));
  }

  linear(x: Value, path: string): Value {
    const bias = this.#header.tensors.has(`${path}.bias`) ? this.#parameter(`${path}.bias`) : undefined;
    return linear(x, this.#parameter(`${path}.weight`), bias);
  }

  #parameter(name: string): Value {
    const stored = this.#header.tensors.get(name);
    if (stored === undefined) throw new SoundstageError('weights', `${this.#header.file} has no tensor "${name}"`);
    return this.graph.weight(stored);
  }
}

function labelsOf({ id2label }: VisionTransformerConfig, logits: Value, file: string): readonly string[] {
  const count = axisLength(logits, 1);
  const labels = Object.keys(id2label).map((_, index) => id2label[index]);
  const known = labels.filter((label) => label !== undefined);
  if (known.length === count) return Object.freeze(known);
  throw new SoundstageError(
    'weights',
    `${file} tells ${count} classes apart, but its config.json names ${known.length}`,
  );
}
