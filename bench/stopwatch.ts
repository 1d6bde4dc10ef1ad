import { Graph } from '../src/graph/graph.ts';
import type { GraphTarget } from '../src/graph/graph-target.ts';
import { linear } from '../src/graph/operations/layers.ts';
import { cast, expand, slice } from '../src/graph/operations/shapes.ts';
import { floatTensor, type HostTensor } from '../src/graph/runtime/host-tensor.ts';
import { Session } from '../src/graph/runtime/session.ts';
import { elementAt } from '../src/shared/element-at.ts';

/** Deterministic values of about unit variance. */
export function someValues(shape: readonly number[]): HostTensor<'float32'> {
  const count = shape.reduce((product, length) => product * length, 1);
  const data = new Float32Array(count);
  for (let at = 0; at < count; at++) data[at] = Math.sin(at * 1.37 + (at % 7)) * 1.4;
  return floatTensor(data, shape);
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return elementAt(sorted, Math.floor(sorted.length / 2));
}

/**
 * The device's matrix multiplication as the runtime does it at its best: packed weights; on the CPU in float32 on all threads,
 * elsewhere many in a row, of which neither input nor output is large.
 */
export class MatmulCeiling implements AsyncDisposable {
  readonly #session: Session;
  readonly #x: HostTensor<'float32'>;
  readonly #flops: number;

  private constructor(session: Session, x: HostTensor<'float32'>, flops: number) {
    this.#session = session;
    this.#x = x;
    this.#flops = flops;
  }

  static async open(target: GraphTarget): Promise<MatmulCeiling> {
    const [size, rows, products] = target.hasOwnMemory ? [4096, 1, 64] : [2048, 2048, 1];
    const g = new Graph(target);
    // A constant, so that the runtime packs it; the small output keeps copies out of the measurement.
    const weight = cast(expand(g.constant([1 / size], [1, 1], 'float32'), [size, size]), target.arithmetic);
    const x = g.input('x', 'float32', [rows, size]);
    let y = cast(rows === size ? x : expand(x, [size, size]), target.arithmetic);
    for (let product = 0; product < products; product++) y = linear(y, weight);
    g.output('y', slice(y, 0, 0, 1));
    const session = await Session.open(g.build(), { weights: 'resident', optimization: 'all' });
    return new MatmulCeiling(session, someValues([rows, size]), 2 * products * size ** 3);
  }

  /** GFLOP/s of the best of a few runs. */
  async measure(): Promise<number> {
    const seconds: number[] = [];
    for (let run = 0; run < 5; run++) {
      const started = performance.now();
      await this.#session.run({ x: this.#x });
      seconds.push((performance.now() - started) / 1000);
    }
    return this.#flops / Math.min(...seconds) / 1e9;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#session[Symbol.asyncDispose]();
  }
}
