import { readFile } from 'node:fs/promises';

/** What a process did with a stand-in GPU. */
export interface StandInReport {
  /** Most bytes of memory that were taken at one time, by device. */
  readonly peakBytes: readonly number[];
  /** Bytes of memory that are taken at the end, by device. */
  readonly usedBytes: readonly number[];
  readonly allocations: number;
  /** Sizes of the allocations that failed. */
  readonly refused: readonly number[];
  readonly toDevice: Copies;
  readonly toHost: Copies;
  /** In the order of the calls, in cuBLAS's sense: a product of m × k and k × n, column by column. */
  readonly products: readonly Product[];
  /** How often each kernel was launched, by the name of its function. */
  readonly launches: ReadonlyMap<string, number>;
  /** How often cuDNN computed something of a kind: `attention`, `convolution`, … */
  readonly cudnn: ReadonlyMap<string, number>;
}

export interface Copies {
  readonly count: number;
  readonly bytes: number;
}

export interface Product {
  readonly m: number;
  readonly n: number;
  readonly k: number;
  readonly batch: number;
}

/**
 * Reads the log of a stand-in GPU, also while it is written.
 *
 * @param start line to begin with, so that what happened before is left out: `lines` of an earlier reading
 */
export async function readStandInLog(path: string, start = 0): Promise<StandInReport & { readonly lines: number }> {
  const lines = (await readFile(path, 'utf8')).split('\n').slice(0, -1);
  const memory = new Map<number, { used: number; peak: number }>();
  const toDevice = { count: 0, bytes: 0 };
  const toHost = { count: 0, bytes: 0 };
  const [launches, cudnn] = [new Map<string, number>(), new Map<string, number>()];
  const [products, refused]: [Product[], number[]] = [[], []];
  let allocations = 0;
  lines.forEach((line, at) => {
    const [kind, ...words] = line.split(' ');
    const [a = 0, b = 0, c = 0, d = 0] = words.map(Number);
    if (kind === 'malloc' || kind === 'free') {
      const { peak = 0 } = memory.get(a) ?? {};
      // What is there at the start counts when something is added to it.
      memory.set(a, { used: c, peak: at < start ? 0 : kind === 'malloc' ? Math.max(peak, c) : peak });
    }
    if (at < start) return;
    if (kind === 'malloc') allocations++;
    else if (kind === 'refused') refused.push(b);
    else if (kind === 'h2d') count(toDevice, a);
    else if (kind === 'd2h') count(toHost, a);
    else if (kind === 'gemm') products.push({ m: a, n: b, k: c, batch: d });
    else if (kind === 'launch') countName(launches, words.join(' '));
    else if (kind === 'cudnn') countName(cudnn, words.join(' '));
  });
  const devices = Array.from({ length: Math.max(0, ...memory.keys()) + 1 }, (_, device) => memory.get(device));
  return {
    lines: lines.length,
    peakBytes: devices.map((device) => device?.peak ?? 0),
    usedBytes: devices.map((device) => device?.used ?? 0),
    ...{ allocations, refused, toDevice, toHost, products, launches, cudnn },
  };
}

function count(copies: { count: number; bytes: number }, bytes: number): void {
  copies.count++;
  copies.bytes += bytes;
}

function countName(counts: Map<string, number>, name: string): void {
  counts.set(name, (counts.get(name) ?? 0) + 1);
}
