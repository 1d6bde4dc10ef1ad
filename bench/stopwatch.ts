import { Graph } from '../src/graph/graph.ts';
import { graphTargets } from '../src/graph/graph-target.ts';
import { linear } from '../src/graph/operations/layers.ts';
import { expand, slice } from '../src/graph/operations/shapes.ts';
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

/** This machine's matrix multiplication as the runtime does it at its best: packed float32 weights, all threads. */
export class MatmulCeiling implements AsyncDisposable {
  static readonly #size = 2048;
  readonly #session: Session;
  readonly #x = someValues([MatmulCeiling.#size, MatmulCeiling.#size]);

  private constructor(session: Session) {
    this.#session = session;
  }

  static async open(): Promise<MatmulCeiling> {
    const size = MatmulCeiling.#size;
    const g = new Graph(graphTargets.cpu);
    const x = g.input('x', 'float32', [size, size]);
    // A constant, so that the runtime packs it; the small output keeps copies out of the measurement.
    const weight = expand(g.constant([0.5], [1, 1]), [size, size]);
    g.output('y', slice(linear(x, weight), 0, 0, 1));
    return new MatmulCeiling(await Session.open(g.build(), { weights: 'resident', optimization: 'all' }));
  }

  /** GFLOP/s of the best of a few runs. */
  async measure(): Promise<number> {
    const seconds: number[] = [];
    for (let run = 0; run < 5; run++) {
      const started = performance.now();
      await this.#session.run({ x: this.#x });
      seconds.push((performance.now() - started) / 1000);
    }
    return (2 * MatmulCeiling.#size ** 3) / Math.min(...seconds) / 1e9;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#session[Symbol.asyncDispose]();
  }
}
