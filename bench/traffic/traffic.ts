import type { LatentSize } from '../../src/ltx2/sampling/positions.ts';
import type { NodeTensor, PlacedNode } from '../../test/cuda/placement.ts';
import type { Product, StandInReport } from '../../test/cuda/stand-in-log.ts';

/** One evaluation of the transformer that is to be counted. */
export interface Evaluation {
  /** Paths of the weights. */
  readonly bundle: string;
  readonly lora: string | undefined;
  readonly blocks: number;
  readonly size: LatentSize;
  /** Its tokens then have a timestep of their own. */
  readonly hasFirstImage: boolean;
}

/** What one evaluation does. All of it can be subtracted and multiplied, to get at one block or at many. */
export interface Traffic {
  readonly nodes: number;
  /** Products of matrices. */
  readonly products: number;
  /** Of those, how many only spread a bias over the rows of a result. */
  readonly spreads: number;
  /** Bytes that nodes read and write which neither multiply matrices nor attend. */
  readonly elementwiseBytes: number;
  /** Bytes that are written to spread biases, and read again by the product that is added to them. */
  readonly spreadBytes: number;
  /** Bytes from the host to the device and back. */
  readonly toDeviceBytes: number;
  readonly toHostBytes: number;
  /** Of all products and attention of the plain network. */
  readonly flops: number;
  /** Estimated seconds, by what they are spent on. */
  readonly productSeconds: number;
  readonly attentionSeconds: number;
  readonly elementwiseSeconds: number;
  readonly copySeconds: number;
}

/** What the estimate supposes of an H100. */
export const assumptions = {
  /** FLOP/s of the best product of large bf16 matrices. */
  peak: 798e12,
  /** Share of it that products of this size reach, and attention. */
  productShare: 0.85,
  attentionShare: 0.7,
  /** Bytes a second that memory moves at its best, and the share of it that simple kernels reach. */
  bandwidth: 3.35e12,
  bandwidthShare: 0.85,
  /** Bytes a second over PCIe 5. */
  pcie: 50e9,
  /** Seconds that any kernel takes. */
  kernel: 4e-6,
} as const;

/** Nodes that give their input another shape, or nothing but a name. */
const views = new Set(['Reshape', 'Identity', 'Unsqueeze', 'Squeeze', 'Flatten']);
const productTypes = new Set(['Gemm', 'MatMul', 'FusedMatMul']);
const attentionTypes = new Set(['MultiHeadAttention', 'Attention']);

interface Run {
  readonly nodes: readonly PlacedNode[];
  readonly report: StandInReport;
  readonly flops: number;
}

/** Counts what a run did. */
export function sumOfTraffic({ nodes, report, flops }: Run): Traffic {
  const memorySpeed = assumptions.bandwidth * assumptions.bandwidthShare;
  const others = nodes.filter(
    ({ type, isOnHost }) => !isOnHost && !views.has(type) && !productTypes.has(type) && !attentionTypes.has(type),
  );
  const bytes = others.map(elementwiseBytes);
  const spread = report.products.filter(({ k }) => k === 1);
  const toDeviceBytes = report.toDevice.bytes;
  const toHostBytes = report.toHost.bytes;
  return {
    nodes: nodes.length,
    products: report.products.length,
    spreads: spread.length,
    elementwiseBytes: sum(bytes),
    spreadBytes: sum(spread.map(({ m, n }) => 2 * 2 * m * n)),
    ...{ toDeviceBytes, toHostBytes, flops },
    productSeconds: sum(report.products.map(productSeconds)),
    attentionSeconds: sum(nodes.filter(({ type }) => attentionTypes.has(type)).map(attentionSeconds)),
    elementwiseSeconds: sum(bytes.map((count) => Math.max(assumptions.kernel, count / memorySpeed))),
    copySeconds: (toDeviceBytes + toHostBytes) / assumptions.pcie,
  };
}

/** What more blocks add to the traffic of fewer, for each of them. */
export function trafficOfBlock(fewer: Traffic, more: Traffic, blocks: number): Traffic {
  return combined(fewer, more, (a, b) => (b - a) / blocks);
}

/** The traffic with so many more blocks. */
export function withBlocks(traffic: Traffic, block: Traffic, blocks: number): Traffic {
  return combined(traffic, block, (a, b) => a + b * blocks);
}

export function secondsOf(traffic: Traffic): number {
  return traffic.productSeconds + traffic.attentionSeconds + traffic.elementwiseSeconds + traffic.copySeconds;
}

function combined(one: Traffic, other: Traffic, combine: (a: number, b: number) => number): Traffic {
  const keys = Object.keys(one) as (keyof Traffic)[];
  return Object.fromEntries(keys.map((key) => [key, combine(one[key], other[key])])) as unknown as Traffic;
}

function elementwiseBytes({ type, inputs, outputs }: PlacedNode): number {
  const written = sum(outputs.map(bytesOf));
  // Of a table, only the rows that are picked are read.
  const read = inputs.map((input) => (type === 'Gather' ? Math.min(bytesOf(input), written) : bytesOf(input)));
  if (type === 'Slice') return 2 * written;
  return sum(read) + written;
}

/** Large products are limited by arithmetic, those of a few rows by reading the weight. */
function productSeconds({ m, n, k, batch }: Product): number {
  const { peak, productShare, bandwidth, bandwidthShare, kernel } = assumptions;
  if (m * n * batch === 0) return 0;
  const arithmetic = (2 * m * n * k * batch) / (peak * productShare);
  const memory = (2 * (m * k + k * n + m * n) * batch) / (bandwidth * bandwidthShare);
  return Math.max(kernel, arithmetic, memory);
}

/** From queries `[1, N, D]` and keys `[1, M, D]`. */
function attentionSeconds({ inputs }: PlacedNode): number {
  const [, N = 0, D = 0] = inputs[0]?.shape ?? [];
  const [, M = 0] = inputs[1]?.shape ?? [];
  return Math.max(assumptions.kernel, (4 * N * M * D) / (assumptions.peak * assumptions.attentionShare));
}

const bytesPerElement: Readonly<Record<string, number>> = {
  ...{ float: 4, int32: 4, bfloat16: 2, float16: 2, int16: 2, int64: 8, double: 8, bool: 1, uint8: 1 },
  ...{ Float8E4M3FN: 1, Float8E5M2: 1 },
};

function bytesOf({ type, shape }: NodeTensor): number {
  const size = bytesPerElement[type];
  if (size === undefined) throw new Error(`nobody knows how large a ${type} is`);
  return shape.reduce((product, length) => product * length, size);
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
