import { network } from '../../graph/network.ts';
import { affine, clip } from '../../graph/operations/arithmetic.ts';
import { cast, reshape, transpose } from '../../graph/operations/shapes.ts';
import type { Value } from '../../graph/value.ts';
import { videoDecoder } from '../../ltx2/video/video-decoder.ts';

/** The video decoder with `frames [8·(f−1)+1, 32·h, 32·w, 3]` uint8 as its output, truncated as the reference does. */
export const rgbVideoDecoder = network({
  inputs: videoDecoder.inputs,

  build(graph, weights, inputs, config) {
    const { video } = videoDecoder.build(graph, weights, inputs, config); // [1, 3, T, H, W]
    return { frames: interleave(toBytes(video)) }; // [T, H, W, 3]
  },
});

/** −1…1 → 0…255, clamped and truncated; always in float32. */
function toBytes(x: Value): Value {
  const unit = clip(affine(cast(x, 'float32'), 0.5, 0.5), 0, 1);
  return cast(affine(unit, 255), 'uint8');
}

/** `[1, 3, T, H, W]` → `[T, H, W, 3]` */
function interleave(x: Value): Value {
  return reshape(transpose(x, [0, 2, 3, 4, 1]), [...x.shape.slice(2), 3]);
}
