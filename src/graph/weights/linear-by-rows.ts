import { linear } from '../operations/layers.ts';
import { concat } from '../operations/shapes.ts';
import type { Value } from '../value.ts';
import type { StoredTensor } from './safetensors.ts';

/** Elements of a weight that may be widened at once: 256 MB in float32, as much as the largest matrix of Gemma 12B. */
const maximumElements = 2 ** 26;

/**
 * A linear layer without bias for a weight of gigabytes: `x [M, in]`, stored `[out, in]` → `[M, out]`. Where the weight
 * has to be widened, that happens in blocks of rows, so that only one block at a time takes memory.
 */
export function linearByRows(x: Value, stored: StoredTensor, elements = maximumElements): Value {
  if (stored.dtype === x.graph.target.arithmetic) return linear(x, x.graph.weight(stored));
  const blocks = rowBlocks(stored, elements);
  return concat(
    blocks.map((block) => linear(x, x.graph.weight(block))),
    1,
  );
}

/** A stored matrix as blocks of whole rows of at most `elements` elements (or one row). */
export function rowBlocks(stored: StoredTensor, elements: number): StoredTensor[] {
  const [rows = 0, columns = 0] = stored.shape;
  const rowBytes = stored.length / rows;
  const step = Math.max(1, Math.floor(elements / columns));
  return Array.from({ length: Math.ceil(rows / step) }, (_, block) => {
    const start = block * step;
    const count = Math.min(step, rows - start);
    const offset = stored.offset + start * rowBytes;
    return { ...stored, shape: [count, columns], offset, length: count * rowBytes };
  });
}
