import type { Graph } from '../../../graph/graph.ts';
import type { GraphTarget } from '../../../graph/graph-target.ts';
import { floatInput, network, networkGraph } from '../../../graph/network.ts';
import { add, gelu, reduceMean } from '../../../graph/operations/arithmetic.ts';
import { scaledDotProductAttention } from '../../../graph/operations/attention.ts';
import { layerNormalize, linear, multiplyMatrices, rmsNormalize } from '../../../graph/operations/layers.ts';
import { cast, reshape, transpose } from '../../../graph/operations/shapes.ts';
import type { HostTensor } from '../../../graph/runtime/host-tensor.ts';
import { floats, runOnce, type SessionOptions } from '../../../graph/runtime/session.ts';
import { knownLength, type Value } from '../../../graph/value.ts';
import type { ModuleWeights } from '../../../graph/weights/module-weights.ts';
import { SoundstageError } from '../../../shared/errors.ts';
import { parseConfig, type VisionConfig } from '../../config.ts';
import type { GemmaFolder } from '../gemma/gemma-folder.ts';

/** What a Gemma folder sees with. */
export interface VisionTower {
  readonly folder: GemmaFolder;
  readonly config: VisionConfig;
  /** Module paths of the encoder and of what brings its states to the language model's width. */
  readonly encoder: string;
  readonly projector: string;
  /** Tokens that a picture becomes, on each side of a square. */
  readonly tokensPerSide: number;
}

/** As published, and as re-saved by newer versions of transformers. */
const paths = [
  { encoder: 'vision_tower.vision_model', projector: 'multi_modal_projector' },
  { encoder: 'model.vision_tower.vision_model', projector: 'model.multi_modal_projector' },
  { encoder: 'model.vision_tower', projector: 'model.multi_modal_projector' },
] as const;

/**
 * The vision tower of a Gemma folder; undefined where it has none.
 *
 * @throws SoundstageError `weights` if its configuration is not supported
 */
export function visionTowerOf(folder: GemmaFolder): VisionTower | undefined {
  const found = paths.find(({ encoder }) => folder.checkpoint.tensors.has(`${encoder}.post_layernorm.weight`));
  if (found === undefined) return undefined;
  const config = parseConfig('vision', folder.config.vision_config, folder.path);
  const { mm_tokens_per_image: tokens } = folder.config;
  const tokensPerSide = Math.sqrt(tokens);
  if (!Number.isInteger(config.image_size / config.patch_size / tokensPerSide)) {
    const patches = `${config.image_size} pixels in patches of ${config.patch_size}`;
    throw new SoundstageError(
      'weights',
      `${folder.path} makes ${tokens} tokens of ${patches}, which do not fill a square`,
    );
  }
  return Object.freeze({ folder, config, ...found, tokensPerSide });
}

/**
 * SigLIP's picture encoder (Zhai et al. 2023, arXiv:2303.15343) and Gemma 3's projector: normalized pixels `[1, 3, S, S]` →
 * `features [tokens, hidden]`, which take the place of scaled embeddings.
 */
export const visionTower = network({
  inputs: ({ config: { image_size: side } }: VisionTower) => ({ pixels: floatInput(1, 3, side, side) }),

  build(graph, weights, { pixels }, tower) {
    const { config, encoder, projector } = tower;
    const stack = weights.at(encoder);
    let x = embed(stack.at('embeddings'), pixels, config); // [N, width]
    for (let index = 0; index < config.num_hidden_layers; index++) {
      x = graph.scoped(`vision.${index}`, () => encoderLayer(stack.at(`encoder.layers.${index}`), x, config)); // [N, width]
    }
    const last = normalize(stack, x, config, 'post_layernorm'); // [N, width]
    return { features: project(graph, weights.at(projector), last, tower) };
  },
});

/** A token per patch, rows in order: `[1, 3, S, S]` → `[N, width]`. Patches do not overlap, so their convolution is a linear layer. */
function embed(
  weights: ModuleWeights,
  pixels: Value,
  { hidden_size: width, patch_size, image_size }: VisionConfig,
): Value {
  const [side, patch] = [image_size / patch_size, patch_size];
  const cut = transpose(reshape(pixels, [3, side, patch, side, patch]), [1, 3, 0, 2, 4]); // [S/P, S/P, 3, P, P]
  const kernel = reshape(weights.parameter('patch_embedding.weight'), [width, 3 * patch ** 2]); // [width, 3·P²]
  const patches = reshape(cut, [side ** 2, 3 * patch ** 2]); // [N, 3·P²]
  const tokens = linear(patches, kernel, weights.parameter('patch_embedding.bias')); // [N, width]
  return add(tokens, weights.parameter('position_embedding.weight')); // [N, width]
}

/** `x [N, width]` → same. */
function encoderLayer(weights: ModuleWeights, x: Value, config: VisionConfig): Value {
  const attention = weights.at('self_attn');
  const normed = normalize(weights, x, config, 'layer_norm1'); // [N, width]
  const q = attention.linear(normed, 'q_proj'); // [N, width]
  const k = attention.linear(normed, 'k_proj'); // [N, width]
  const v = attention.linear(normed, 'v_proj'); // [N, width]
  const attended = scaledDotProductAttention(q, k, v, config.num_attention_heads); // [N, width]
  const seen = add(x, attention.linear(attended, 'out_proj')); // [N, width]
  const wide = weights.linear(normalize(weights, seen, config, 'layer_norm2'), 'mlp.fc1'); // [N, intermediate]
  return add(seen, weights.linear(gelu(wide), 'mlp.fc2')); // [N, width]
}

/** `x [N, width]` → same. */
function normalize(weights: ModuleWeights, x: Value, { layer_norm_eps }: VisionConfig, name: string): Value {
  return layerNormalize(x, layer_norm_eps, weights.parameter(`${name}.weight`), weights.parameter(`${name}.bias`));
}

/** Means over squares of patches, normed in float32, at the language model's width: `x [N, width]` → `[tokens, hidden]`. */
function project(graph: Graph, weights: ModuleWeights, x: Value, { config, tokensPerSide }: VisionTower): Value {
  const width = knownLength(x, 1);
  const square = config.image_size / config.patch_size / tokensPerSide;
  const squares = reshape(x, [tokensPerSide, square, tokensPerSide, square, width]); // [t, s, t, s, width]
  const means = reshape(reduceMean(squares, [1, 3]), [tokensPerSide ** 2, width]); // [tokens, width]
  const scale = weights.offsetParameter('mm_soft_emb_norm.weight', 1); // [width]
  const normed = cast(rmsNormalize(cast(means, 'float32'), config.layer_norm_eps, scale), graph.target.arithmetic); // [tokens, width]
  return multiplyMatrices(normed, weights.parameter('mm_input_projection_weight')); // [tokens, hidden]
}

/** Runs the tower once, for as long as a session of its own. @throws SoundstageError `device` if the session fails */
export async function pictureFeatures(
  tower: VisionTower,
  pixels: HostTensor<'float32'>,
  target: GraphTarget,
  options?: SessionOptions,
): Promise<HostTensor<'float32'>> {
  const graph = networkGraph(visionTower, target, tower.folder.checkpoint, tower);
  return floats(await runOnce(graph, { pixels }, options), 'features');
}
