// Every network beside the published reference in PyTorch: CPU seconds of one thread, in turn, on the same random checkpoint and
// inputs, after both have been seen to agree. The reference is a folder with its code (Lightricks/LTX-2); PyTorch is installed once.
// Usage: node bench/reference/compare.ts --reference DIR [--rows 'transformer 3072,vocoder'] [--rounds 5] [--float32] [--json]
// --float32 leaves the reference's bf16 out, which takes five to twelve times as long on processors without instructions for it.

import { cpus } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { textTable } from '../../src/cli/text-table.ts';
import type { HostTensor } from '../../src/graph/runtime/host-tensor.ts';
import type { Tensors } from '../../src/graph/runtime/session.ts';
import { storedTensor } from '../../src/graph/weights/checkpoint.ts';
import { readStoredFloats } from '../../src/graph/weights/stored-tensor-values.ts';
import { elementAt } from '../../src/shared/element-at.ts';
import { benchmarkSizes, randomCheckpoint } from '../checkpoint/random-checkpoint.ts';
import { median } from '../stopwatch.ts';
import { PublishedReference, type ReferenceType } from './published-reference.ts';
import { comparedRows, type OpenNetwork, type Row } from './rows.ts';

/** A round evaluates small networks so often that it takes this many seconds of each implementation. */
const leastSeconds = 1;
/** Relative error above which a row does not compare the same computation. */
const agreement = 1e-4;

interface Result {
  readonly name: string;
  /** Relative error (L2) against the reference in float32. */
  readonly error: number;
  /** The same of the reference's own bf16; like all its figures not a number where that is left out. */
  readonly bf16Error: number;
  /** Of the form with layers in eight bits: its error, seconds, and the ratios of the reference's bf16 and float32 to it. */
  readonly int8:
    | { readonly error: number; readonly seconds: number; readonly ratio: number; readonly exactRatio: number }
    | undefined;
  /** Medians of CPU seconds of one evaluation. */
  readonly seconds: number;
  readonly reference: Readonly<Record<ReferenceType, number>>;
  /** Medians of the rounds' ratios: reference by ours. */
  readonly ratios: Readonly<Record<ReferenceType, number>>;
}

const { values } = parseArgs({
  options: {
    reference: { type: 'string' },
    rows: { type: 'string', default: '' },
    rounds: { type: 'string', default: '5' },
    float32: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
  },
});
if (values.reference === undefined)
  throw new Error('--reference is missing: the folder of a checkout of Lightricks/LTX-2');
const [rounds, hasBf16] = [Number(values.rounds), !values.float32];
const types: readonly ReferenceType[] = hasBf16 ? ['float32', 'bfloat16'] : ['float32'];
const work = join(import.meta.dirname, '../work');
const folder = await randomCheckpoint(work, benchmarkSizes);
const results: Result[] = [];
await using reference = await PublishedReference.start(values.reference, 1);
const wanted = values.rows.split(',');
for (const row of await comparedRows(folder, benchmarkSizes)) {
  if (!wanted.some((word) => row.name.replaceAll(',', '').includes(word))) continue;
  const result = await compare(row);
  results.push(result);
  process.stderr.write(`${cells(result).join('  ')}\n`);
}
process.stdout.write(values.json ? `${JSON.stringify({ cpu: cpus()[0]?.model, results }, null, 2)}\n` : table());

async function compare(row: Row): Promise<Result> {
  await using ours = await row.open();
  await using rounded = await row.openInt8?.();
  const made = await ours.run();
  await reference.open(row.network, folder, row.inputs, types);
  const exact = await referenceOutputs('float32', made);
  const bf16Error = hasBf16 ? relativeError(await referenceOutputs('bfloat16', made), exact) : Number.NaN;
  const error = relativeError(made, exact);
  if (!(error < agreement))
    throw new Error(`${row.name} is off by ${error.toExponential(1)}: not the same computation`);

  const int8Error = rounded && relativeError(await rounded.run(), exact);

  const evaluate = async (network: OpenNetwork, times: number): Promise<number> => {
    const before = process.cpuUsage();
    for (let time = 0; time < times; time++) await network.run();
    const { user, system } = process.cpuUsage(before);
    return (user + system) / 1e6 / times;
  };
  const evaluateReference = async (type: ReferenceType, times: number): Promise<number> =>
    types.includes(type) ? (await reference.run(type, times)).seconds : Number.NaN;
  const timesFor = (seconds: number): number => Math.max(1, Math.round(leastSeconds / seconds));
  const own = timesFor(await evaluate(ours, 1));
  const theirs = {
    float32: timesFor(await evaluateReference('float32', 1)),
    bfloat16: timesFor(await evaluateReference('bfloat16', 1)),
  };
  const measured: { seconds: number; int8: number; float32: number; bfloat16: number }[] = [];
  for (let round = 0; round < rounds; round++) {
    measured.push({
      seconds: await evaluate(ours, own),
      int8: rounded === undefined ? Number.NaN : await evaluate(rounded, own),
      float32: await evaluateReference('float32', theirs.float32),
      bfloat16: await evaluateReference('bfloat16', theirs.bfloat16),
    });
  }
  const of = (value: (round: (typeof measured)[number]) => number): number => median(measured.map(value));
  return {
    name: row.name,
    error,
    bf16Error,
    int8:
      int8Error === undefined
        ? undefined
        : {
            error: int8Error,
            seconds: of(({ int8 }) => int8),
            ratio: of(({ int8, bfloat16 }) => bfloat16 / int8),
            exactRatio: of(({ int8, float32 }) => float32 / int8),
          },
    seconds: of(({ seconds }) => seconds),
    reference: { float32: of(({ float32 }) => float32), bfloat16: of(({ bfloat16 }) => bfloat16) },
    ratios: {
      float32: of(({ seconds, float32 }) => float32 / seconds),
      bfloat16: of(({ seconds, bfloat16 }) => bfloat16 / seconds),
    },
  };
}

/** What the reference makes, as far as Soundstage makes it too. */
async function referenceOutputs(type: ReferenceType, made: Tensors): Promise<Record<string, Float32Array>> {
  const { outputs } = await reference.outputs(type);
  const values = Object.keys(made).map(
    async (name) => [name, await readStoredFloats(storedTensor(outputs, name))] as const,
  );
  return Object.fromEntries(await Promise.all(values));
}

/** The largest of all outputs. */
function relativeError(
  made: Readonly<Record<string, HostTensor | Float32Array>>,
  exact: Readonly<Record<string, Float32Array>>,
): number {
  const errors = Object.entries(exact).map(([name, right]) => {
    const tensor = made[name];
    const given = tensor instanceof Float32Array ? tensor : tensor?.data;
    if (!(given instanceof Float32Array) || given.length !== right.length)
      throw new Error(`"${name}" differs in shape`);
    let [squares, norm] = [0, 0];
    for (const [at, value] of right.entries()) {
      squares += (elementAt(given, at) - value) ** 2;
      norm += value ** 2;
    }
    return Math.sqrt(squares / norm);
  });
  return Math.max(...errors);
}

function table(): string {
  const heading = [
    'network',
    'error',
    'bf16 error',
    'seconds',
    'float32',
    'bf16',
    'float32 / ours',
    'bf16 / ours',
    'int8 error',
    'int8',
    'bf16 / int8',
    'float32 / int8',
  ];
  return `${cpus()[0]?.model}, one thread, CPU seconds\n${textTable([heading, ...results.map(cells)])}`;
}

function cells({ name, error, bf16Error, int8, seconds, reference: theirs, ratios }: Result): string[] {
  return [
    ...[name, short(error), short(bf16Error), fixed(seconds, 3)],
    ...[fixed(theirs.float32, 3), fixed(theirs.bfloat16, 3), fixed(ratios.float32, 2), fixed(ratios.bfloat16, 2)],
    ...(int8 === undefined
      ? ['', '', '', '']
      : [short(int8.error), fixed(int8.seconds, 3), fixed(int8.ratio, 2), fixed(int8.exactRatio, 2)]),
  ];
}

function short(value: number): string {
  return Number.isNaN(value) ? '' : value.toExponential(1);
}

function fixed(value: number, digits: number): string {
  return Number.isNaN(value) ? '' : value.toFixed(digits);
}
