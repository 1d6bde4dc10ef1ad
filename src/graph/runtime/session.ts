import './runtime-telemetry.ts';
import { availableParallelism } from 'node:os';
import * as ort from 'onnxruntime-node';
import { explainCudaFailure, shortReason } from '../../cuda/failure.ts';
import { SoundstageError } from '../../shared/errors.ts';
import { affineForm, evaluateDimension, formatShape, SymbolicDimension } from '../dimension.ts';
import { bytesPerElement } from '../element-type.ts';
import { type GraphModel, workspaceInput } from '../graph-model.ts';
import type { GraphTarget } from '../graph-target.ts';
import { byFullName, type TensorGroup } from '../tensor-group.ts';
import type { TensorType } from '../value.ts';
import { type HostTensor, hostTensor, isHostType } from './host-tensor.ts';

export interface SessionOptions {
  /** Threads for CPU kernels. Default: all. */
  readonly threads?: number | undefined;
  /** How far the runtime rewrites the graph: `basic` opens fast, `all` fuses more (worth it for convolutions). */
  readonly optimization?: 'basic' | 'all';
  /**
   * `mapped` (default): weights stay in the page cache and are widened as they are used. `resident`: widened once and
   * packed for the matrix kernels, which is faster and costs memory of 4 bytes per weight.
   */
  readonly weights?: 'mapped' | 'resident';
  /** Prefix of a profile file written by the runtime on disposal. */
  readonly profile?: string;
}

/** Tensors by full name. */
export type Tensors = Readonly<Record<string, HostTensor>>;

/**
 * A graph loaded into the tensor runtime. Owns native memory: dispose it. `run` blocks its thread until the runtime is
 * done and cannot be interrupted; keep sessions in a process that may be killed.
 */
export class Session implements AsyncDisposable {
  static #open = 0;
  /** Sessions not yet disposed of in this process. */
  static get openCount(): number {
    return Session.#open;
  }

  static #totalRunSeconds = 0;
  /** Seconds spent in `run` by all sessions of this process. */
  static get totalRunSeconds(): number {
    return Session.#totalRunSeconds;
  }

  readonly model: GraphModel;
  readonly openSeconds: number;
  #runSeconds = 0;
  #native: ort.InferenceSession | undefined;

  private constructor(model: GraphModel, native: ort.InferenceSession, openSeconds: number) {
    this.model = model;
    this.#native = native;
    this.openSeconds = openSeconds;
    Session.#open++;
  }

  static async open(model: GraphModel, options: SessionOptions = {}): Promise<Session> {
    const started = performance.now();
    try {
      const native = await ort.InferenceSession.create(model.bytes, runtimeOptions(model.target, options));
      return new Session(model, native, (performance.now() - started) / 1000);
    } catch (cause) {
      throw new SoundstageError(
        'device',
        `the runtime refused a network on ${model.target.device}: ${reason(cause, model.target)}`,
        {
          cause,
        },
      );
    }
  }

  /** Seconds spent in `run` so far. */
  get runSeconds(): number {
    return this.#runSeconds;
  }

  /**
   * Runs the graph. Results are named in full. Inputs are checked against what is declared first, because the runtime ignores
   * or misreads some wrong ones silently.
   *
   * @param outputs names of the outputs to return; default all
   */
  async run(inputs: TensorGroup<HostTensor>, outputs?: readonly string[]): Promise<Record<string, HostTensor>> {
    if (this.#native === undefined) throw new Error('the session is disposed of');
    const feeds = byFullName(inputs);
    const sizes = checkFeeds(this.model.inputs, feeds);
    const started = performance.now();
    const native: Record<string, ort.Tensor> = Object.fromEntries(
      Object.entries(feeds).map(([name, { dtype, data, shape }]) => [name, new ort.Tensor(dtype, data, shape)]),
    );
    const { workspaceBytes } = this.model;
    if (workspaceBytes !== undefined) {
      const elements = Math.ceil(workspaceBytes(sizes) / bytesPerElement('float32'));
      native[workspaceInput] = new ort.Tensor('int64', BigInt64Array.of(BigInt(elements)), [1]);
    }
    const results = await this.#native.run(native, outputs ?? this.#native.outputNames).catch((cause: unknown) => {
      throw new SoundstageError('device', `a network failed to run: ${reason(cause, this.model.target)}`, { cause });
    });
    const seconds = (performance.now() - started) / 1000;
    this.#runSeconds += seconds;
    Session.#totalRunSeconds += seconds;
    return Object.fromEntries(Object.entries(results).map(([name, tensor]) => [name, fromNative(name, tensor)]));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const native = this.#native;
    if (native === undefined) return;
    this.#native = undefined;
    Session.#open--;
    await native.release();
  }
}

/** Opens a session, runs it once and disposes of it. */
export async function runOnce(
  model: GraphModel,
  feeds: TensorGroup<HostTensor>,
  options?: SessionOptions,
): Promise<Tensors> {
  await using session = await Session.open(model, options);
  return await session.run(feeds);
}

/** A float32 result by name. */
export function floats(results: Tensors, name: string): HostTensor<'float32'> {
  const tensor = results[name];
  if (tensor?.dtype !== 'float32') throw new Error(`the network has no float32 output "${name}"`);
  return tensor as HostTensor<'float32'>;
}

function runtimeOptions(target: GraphTarget, options: SessionOptions): ort.InferenceSession.SessionOptions {
  const { threads = availableParallelism(), optimization = 'basic', weights = 'mapped', profile } = options;
  // Folding widens every weight at load and keeps it so.
  const folds = weights === 'resident' || target.widensAtOpening;
  return {
    executionProviders: [target.executionProvider],
    graphOptimizationLevel: optimization,
    // The pattern planner reserves one block the size of all initializers and fails on large models.
    enableMemPattern: false,
    intraOpNumThreads: threads,
    logSeverityLevel: 3,
    ...(profile === undefined ? {} : { enableProfiling: true, profileFilePrefix: profile }),
    extra: {
      session: {
        model_external_initializers_file_folder_path: '/',
        // Threads that wait for work in a loop keep whatever else the machine does from its cores: three clips at once on two cores
        // took a seventh longer, and one alone is as fast without.
        intra_op: { allow_spinning: '0' },
        disable_prepacking: weights === 'resident' ? '0' : '1',
        // The arena takes memory in powers of two, which is a lot for weights.
        ...(target.hasOwnMemory ? { use_device_allocator_for_initializers: '1' } : {}),
      },
      ...(folds ? {} : { optimization: { disable_specified_optimizers: 'ConstantFolding' } }),
    },
  };
}

/** @returns the sizes that the feeds give the symbols */
function checkFeeds(inputs: readonly TensorType[], feeds: Tensors): ReadonlyMap<string, number> {
  const sizes = new Map<string, number>();
  for (const input of inputs) {
    const feed = feeds[input.name];
    if (feed === undefined) throw new Error(`the input "${input.name}" is missing`);
    if (feed.dtype !== input.dtype || !fits(input, feed.shape, sizes)) throw unfit(input, feed);
  }
  for (const input of inputs) {
    const feed = feeds[input.name];
    if (feed !== undefined && !multiplies(input, feed.shape, sizes)) throw unfit(input, feed);
  }
  const declared = new Set(inputs.map((input) => input.name));
  const unknown = Object.keys(feeds).find((name) => !declared.has(name));
  if (unknown !== undefined) throw new Error(`the network has no input "${unknown}"`);
  return sizes;
}

function unfit(input: TensorType, feed: HostTensor): Error {
  const given = `${feed.dtype} [${feed.shape}]`;
  return new Error(`the input "${input.name}" must be ${input.dtype} ${formatShape(input.shape)}, not ${given}`);
}

/** Whether lengths that no single symbol determines are what the symbols, now bound, say. */
function multiplies(input: TensorType, shape: readonly number[], sizes: ReadonlyMap<string, number>): boolean {
  return input.shape.every((dimension, axis) => {
    const length = evaluateDimension(dimension, sizes);
    return length === undefined || length === shape[axis];
  });
}

/** Whether `shape` fits; binds symbols on the way so that one symbol means one size in all inputs. */
function fits(input: TensorType, shape: readonly number[], sizes: Map<string, number>): boolean {
  if (shape.length !== input.shape.length) return false;
  return input.shape.every((dimension, axis) => {
    const given = shape[axis] ?? -1;
    if (!(dimension instanceof SymbolicDimension)) return dimension === given;
    const form = affineForm(dimension);
    if (form === undefined) return true;
    const size = (given - form.offset) / form.scale;
    const known = sizes.get(form.name) ?? size;
    sizes.set(form.name, known);
    return Number.isInteger(size) && size === known;
  });
}

function fromNative(name: string, tensor: ort.Tensor): HostTensor {
  const { type, data, dims } = tensor;
  if (!isHostType(type as never) || !ArrayBuffer.isView(data)) throw new Error(`output "${name}" has type ${type}`);
  return hostTensor(type as HostTensor['dtype'], data as HostTensor['data'], dims);
}

function reason(cause: unknown, { device }: GraphTarget): string {
  const text = cause instanceof Error ? cause.message : String(cause);
  return device === 'cuda' ? (explainCudaFailure(text) ?? shortReason(text)) : text;
}
