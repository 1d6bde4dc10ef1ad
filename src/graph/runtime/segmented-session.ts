import type { GraphModel } from '../graph-model.ts';
import { isCarried } from '../memory/graph-segment.ts';
import { byFullName, type TensorGroup } from '../tensor-group.ts';
import type { HostTensor } from './host-tensor.ts';
import { readAhead } from './read-ahead.ts';
import { Session, type SessionOptions, type Tensors } from './session.ts';

/** Pieces of a graph, in the order in which they run. */
export interface GraphPieces {
  /** Stays open between runs. */
  readonly kept: GraphModel | undefined;
  /** Each is opened when its turn comes and released after it. */
  readonly streamed: readonly GraphModel[];
}

/**
 * A graph whose weights need not be in the device's memory all at a time. Owns native memory: dispose it. What it computes is
 * what one session of the whole graph does.
 */
export class SegmentedSession implements AsyncDisposable {
  readonly #kept: Session | undefined;
  readonly #streamed: readonly GraphModel[];
  readonly #options: SessionOptions | undefined;
  /** Settles when the weights of the piece to be opened next have been read. */
  #reading: Promise<void> = Promise.resolve();

  private constructor(kept: Session | undefined, streamed: readonly GraphModel[], options: SessionOptions | undefined) {
    this.#kept = kept;
    this.#streamed = streamed;
    this.#options = options;
  }

  /** @throws SoundstageError `device` if the piece that is kept does not open */
  static async open({ kept, streamed }: GraphPieces, options?: SessionOptions): Promise<SegmentedSession> {
    return new SegmentedSession(kept && (await Session.open(kept, options)), streamed, options);
  }

  /**
   * Runs the pieces in order. Results are named in full.
   *
   * @param outputs names of the outputs to return; default all
   * @throws SoundstageError `device` if a piece does not open or run
   */
  async run(inputs: TensorGroup<HostTensor>, outputs?: readonly string[]): Promise<Tensors> {
    const feeds = byFullName(inputs);
    this.#requireDeclared(feeds);
    const tensors = new Map(Object.entries(feeds));
    const results: Record<string, HostTensor> = {};
    const run = async (session: Session, later: readonly GraphModel[]): Promise<void> => {
      const { model } = session;
      const isWanted = (name: string): boolean => isCarried(name) || (outputs?.includes(name) ?? true);
      const made = await session.run(feedsOf(model, tensors), namesOf(model.outputs).filter(isWanted));
      for (const [name, tensor] of Object.entries(made)) {
        if (isCarried(name)) tensors.set(name, tensor);
        else results[name] = tensor;
      }
      forget(tensors, later);
    };
    this.#readAhead(0);
    if (this.#kept !== undefined) await run(this.#kept, this.#streamed);
    for (const [index, model] of this.#streamed.entries()) {
      await this.#reading;
      await using session = await Session.open(model, this.#options);
      this.#readAhead(index + 1);
      await run(session, this.#streamed.slice(index + 1));
    }
    return results;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#reading;
    await this.#kept?.[Symbol.asyncDispose]();
  }

  /** Reads on while the piece before computes. What cannot be read is for the session that needs it to say. */
  #readAhead(index: number): void {
    const next = this.#streamed[index];
    if (next !== undefined) this.#reading = readAhead(next.weights).catch(() => undefined);
  }

  /** Each piece looks at what it takes itself. */
  #requireDeclared(feeds: Tensors): void {
    const models = this.#kept === undefined ? this.#streamed : [this.#kept.model, ...this.#streamed];
    const declared = new Set(models.flatMap(({ inputs }) => namesOf(inputs)));
    const unknown = Object.keys(feeds).find((name) => !declared.has(name));
    if (unknown !== undefined) throw new Error(`the network has no input "${unknown}"`);
  }
}

function namesOf(tensors: readonly { readonly name: string }[]): string[] {
  return tensors.map(({ name }) => name);
}

function feedsOf({ inputs }: GraphModel, tensors: ReadonlyMap<string, HostTensor>): Tensors {
  return Object.fromEntries(
    inputs.flatMap(({ name }) => {
      const tensor = tensors.get(name);
      return tensor === undefined ? [] : [[name, tensor]];
    }),
  );
}

/** Lets go of what no later piece takes. */
function forget(tensors: Map<string, HostTensor>, later: readonly GraphModel[]): void {
  const needed = new Set(later.flatMap(({ inputs }) => namesOf(inputs)));
  for (const name of tensors.keys()) if (!needed.has(name)) tensors.delete(name);
}
