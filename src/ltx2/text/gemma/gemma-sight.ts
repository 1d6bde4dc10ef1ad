import { addDimensions, symbol } from '../../../graph/dimension.ts';
import { floatInput, indexInput } from '../../../graph/network.ts';
import { floatTensor, type HostTensor, indexTensor } from '../../../graph/runtime/host-tensor.ts';
import type { GemmaConfig } from '../../config.ts';

const [n, past] = [symbol('n'), symbol('past')];

/**
 * What Gemma needs to see pictures among its tokens: `features [k, hidden]` of their parts, `rows [n]` that pick each token's
 * state out of the n embeddings and the k features behind them, and masks `[n, past + n]` of both kinds of layer.
 */
export function gemmaSightInputs({ text_config: { hidden_size } }: GemmaConfig) {
  const mask = floatInput(n, addDimensions(past, n));
  return {
    features: floatInput(symbol('k'), hidden_size),
    rows: indexInput(n),
    masks: { sliding: mask, global: mask },
  };
}

/**
 * What to feed for `ids` behind `past` other tokens. Text looks back; the parts of one picture also look ahead, to its end. Layers
 * with a window keep it, as transformers has it.
 *
 * @param features of the pictures' parts in order; without them, tokens for parts of pictures are tokens like any other
 */
export function gemmaSightFeeds(
  { image_token_index, text_config: { sliding_window: window, hidden_size } }: GemmaConfig,
  ids: readonly number[],
  past: number,
  features: HostTensor<'float32'> = floatTensor(new Float32Array(0), [0, hidden_size]),
) {
  const [count = 0] = features.shape;
  const isPart = (at: number): boolean => count > 0 && ids[at] === image_token_index;
  const parts = ids.flatMap((_, at) => (isPart(at) ? [at] : []));
  if (parts.length !== count)
    throw new Error(`${count} parts of pictures do not fill the ${parts.length} places for them`);
  const rows = ids.map((_, at) => at);
  parts.forEach((at, part) => {
    rows[at] = ids.length + part;
  });
  const ends = ids.map((_, at) => at);
  for (const at of parts.toReversed()) ends[at] = isPart(at + 1) ? (ends[at + 1] ?? at) : at;
  const mask = (reach: number): HostTensor<'float32'> => {
    const total = past + ids.length;
    const values = new Float32Array(ids.length * total).fill(Number.NEGATIVE_INFINITY);
    for (const [at, end] of ends.entries()) {
      const first = Math.max(0, past + at - reach + 1);
      values.fill(0, at * total + first, at * total + past + end + 1);
    }
    return floatTensor(values, [ids.length, total]);
  };
  return {
    features,
    rows: indexTensor(rows),
    masks: { sliding: mask(window), global: mask(Number.POSITIVE_INFINITY) },
  };
}
