import { type Dimension, symbol } from '../graph/dimension.ts';
import type { Graph } from '../graph/graph.ts';
import { floatTensor } from '../graph/host-tensor.ts';
import type { Tensors } from '../graph/session.ts';
import { readStoredFloats } from '../graph/stored-tensor-values.ts';
import type { Value } from '../graph/value.ts';
import type { AppliedLora } from './lora.ts';
import type { Adapters } from './module-weights.ts';
import type { LinearModule } from './transformer/modules.ts';

/**
 * LoRA branches whose matrices lie in the LoRA files and are used in place: `y + Σ strength·scale·B(Ax)`. A change of
 * LoRAs means another graph, which costs milliseconds where weights are mapped (CPU).
 */
export function mappedAdapters(loras: readonly AppliedLora[]): Adapters {
  return {
    apply: (g, module, x, y) =>
      loras.reduce((sum, { lora, strength }) => {
        const pair = lora.pairs.get(module);
        if (pair === undefined || strength === 0) return sum;
        const down = g.linear(x, g.weight(pair.a)); // [M, rank]
        const up = g.linear(down, g.weight(pair.b)); // [M, out]
        return g.add(sum, g.affine(up, strength * pair.scale));
      }, y),
  };
}

/**
 * LoRA branches as graph inputs, one pair per linear layer, so that one session with resident weights (CUDA) serves
 * any LoRAs. Every pair must be fed: `adapterFeeds` makes rank-0 pairs where there is nothing to add.
 */
export function inputAdapters(): Adapters {
  return {
    apply: (g, module, x, y) => {
      const rank = symbol(`rank_${module.replaceAll(/\W/g, '_')}`);
      const [a, b] = adapterInputs(g, module, rank, x, y);
      return g.add(y, g.linear(g.linear(x, a), b));
    },
  };
}

function adapterInputs(g: Graph, module: string, rank: Dimension, x: Value, y: Value): readonly [Value, Value] {
  const inputs = x.shape[1] ?? 0;
  const outputs = y.shape[1] ?? 0;
  return [g.activation(`${module}.lora_A`, [rank, inputs]), g.activation(`${module}.lora_B`, [outputs, rank])];
}

/**
 * Feeds for `inputAdapters`: stacked LoRAs become one pair of the summed rank, with strength and scale folded into B.
 */
export async function adapterFeeds(
  loras: readonly AppliedLora[],
  modules: ReadonlyMap<string, LinearModule>,
): Promise<Tensors> {
  const feeds: Record<string, Tensors[string]> = {};
  for (const [module, { inputs, outputs }] of modules) {
    const active = loras.flatMap(({ lora, strength }) => {
      const pair = lora.pairs.get(module);
      return pair === undefined || strength === 0 ? [] : [{ pair, factor: strength * pair.scale }];
    });
    const ranks = active.map(({ pair }) => pair.a.shape[0] ?? 0);
    const rank = ranks.reduce((sum, each) => sum + each, 0);
    const a = new Float32Array(rank * inputs);
    const b = new Float32Array(outputs * rank);
    let start = 0;
    for (const [at, { pair, factor }] of active.entries()) {
      const own = ranks[at] ?? 0;
      a.set(await readStoredFloats(pair.a), start * inputs);
      const up = await readStoredFloats(pair.b);
      for (let row = 0; row < outputs; row++) {
        for (let k = 0; k < own; k++) b[row * rank + start + k] = (up[row * own + k] as number) * factor;
      }
      start += own;
    }
    feeds[`${module}.lora_A`] = floatTensor(a, [rank, inputs]);
    feeds[`${module}.lora_B`] = floatTensor(b, [outputs, rank]);
  }
  return feeds;
}
