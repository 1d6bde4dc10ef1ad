import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { mayUseCudnnAttention } from '../../src/cuda/device-environment.ts';
import { cudnnAttentionVariable } from '../../src/graph/graph-target.ts';
import type { StandInCuda, StandInGpu } from './stand-in.ts';

/** A node of a network as the runtime ran it. */
export interface PlacedNode {
  /** Its operator. */
  readonly type: string;
  readonly name: string;
  readonly isOnHost: boolean;
  /** Inputs and outputs with their types, without those left out. */
  readonly inputs: readonly NodeTensor[];
  readonly outputs: readonly NodeTensor[];
}

export interface NodeTensor {
  /** In the runtime's words: `float`, `bfloat16`, `int64`, … */
  readonly type: string;
  readonly shape: readonly number[];
}

interface ProfileEvent {
  readonly cat: string;
  readonly name: string;
  readonly args: {
    readonly op_name?: string;
    readonly provider?: string;
    readonly input_type_shape?: readonly Readonly<Record<string, readonly number[]>>[];
    readonly output_type_shape?: readonly Readonly<Record<string, readonly number[]>>[];
  };
}

/** The nodes of all runs in a profile that a session wrote, in the order in which they ran. */
export async function profiledNodes(path: string): Promise<PlacedNode[]> {
  const events = JSON.parse(await readFile(path, 'utf8')) as readonly ProfileEvent[];
  return events
    .filter(({ cat, name }) => cat === 'Node' && name.endsWith('_kernel_time'))
    .map(({ name, args }) => ({
      type: args.op_name ?? '',
      name: name.replace(/_kernel_time$/, ''),
      isOnHost: args.provider === 'CPUExecutionProvider',
      inputs: tensorsOf(args.input_type_shape),
      outputs: tensorsOf(args.output_type_shape),
    }));
}

function tensorsOf(tensors: ProfileEvent['args']['input_type_shape'] = []): NodeTensor[] {
  return tensors.flatMap((tensor) => Object.entries(tensor).map(([type, shape]) => ({ type, shape })));
}

/** Where the nodes of a network are. */
export interface Placement {
  readonly network: string;
  /** Why it could not be opened or run; it has no nodes then. */
  readonly error?: string;
  /** Number of nodes on the GPU, copies aside. */
  readonly onDevice: number;
  /** Numbers of nodes on the host that work out shapes: with nothing but whole numbers in their results. */
  readonly shapes: number;
  /** Other nodes on the host: operators and their numbers. */
  readonly onHost: Readonly<Record<string, number>>;
  /** Nodes that copy between host and GPU, with what they copy: `MemcpyToHost int32[1]`. */
  readonly copies: readonly string[];
}

const wholeNumbers = new Set(['int64', 'int32', 'bool']);

export function placementOf(network: string, nodes: readonly PlacedNode[]): Placement {
  const copies = nodes.filter(({ type }) => type.startsWith('Memcpy'));
  const host = nodes.filter(({ isOnHost, type }) => isOnHost && !type.startsWith('Memcpy'));
  const others = host.filter(({ outputs }) => !outputs.every(({ type }) => wholeNumbers.has(type)));
  const onHost = Object.groupBy(others, ({ type }) => type);
  return {
    network,
    onDevice: nodes.length - copies.length - host.length,
    shapes: host.length - others.length,
    onHost: Object.fromEntries(Object.entries(onHost).map(([type, found = []]) => [type, found.length])),
    copies: copies.map(({ type, inputs }) => `${type} ${inputs.map((input) => `${input.type}[${input.shape}]`)}`),
  };
}

/** Opens and runs every network on a stand-in GPU, in a process of its own. */
export async function placements(
  cuda: StandInCuda,
  gpu: StandInGpu,
  weights: 'parity' | 'released',
): Promise<readonly Placement[]> {
  const program = fileURLToPath(new URL('./placement-process.ts', import.meta.url));
  // As the engine is started on such a card.
  const attention = mayUseCudnnAttention(String((gpu.capability ?? 90) / 10)) ? {} : { [cudnnAttentionVariable]: '0' };
  const env = { ...process.env, ...cuda.environment(gpu), ...attention };
  const { stdout } = await promisify(execFile)(process.execPath, [program, weights], { env, maxBuffer: 2 ** 26 });
  return stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Placement);
}
