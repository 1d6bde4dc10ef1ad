// What one evaluation of the transformer does on a GPU at the sizes of LTX-2 19B, counted in ONNX Runtime's CUDA provider over
// stand-ins for NVIDIA's libraries, and how long it should take on an H100. No GPU is needed, and nothing is computed.
// Usage: node bench/cuda-traffic.ts [form…]

import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { textTable } from '../src/cli/text-table.ts';
import { standInCuda } from '../test/cuda/stand-in.ts';
import { releasedSizes, writeReleasedBundle, writeReleasedCameraLora } from './checkpoint/released-files.ts';
import {
  assumptions,
  type Evaluation,
  secondsOf,
  type Traffic,
  trafficOfBlock,
  withBlocks,
} from './traffic/traffic.ts';

/** The second block is the first that is in fp8 in that form. */
const [fewerBlocks, moreBlocks] = [2, 4];

const sizes = [
  { frames: 16, height: 24, width: 32 },
  { frames: 16, height: 12, width: 16 },
];

const heading = [
  ['', '', 'a block', '', '', 'all blocks', '', '', 'estimated seconds', '', '', '', '', ''],
  [
    ...['form', 'tokens', 'nodes', 'products (biases)', 'GB', 'GB', 'GB for biases', 'MB to GPU + back'],
    ...['products', 'attention', 'GB', 'MB', 'all', `of ${assumptions.peak / 1e12} TFLOP/s`],
  ],
];

const program = fileURLToPath(new URL('./traffic/traffic-process.ts', import.meta.url));
const folder = await mkdtemp(join(tmpdir(), 'soundstage-traffic-'));
try {
  const cuda = await standInCuda();
  if (cuda !== undefined) {
    const bf16 = { bundle: await writeReleasedBundle(folder, 'bf16'), lora: undefined, hasFirstImage: false };
    const forms: Readonly<Record<string, Pick<Evaluation, 'bundle' | 'lora' | 'hasFirstImage'>>> = {
      'no picture': bf16,
      'a first picture': { ...bf16, hasFirstImage: true },
      'no picture, fp8': { ...bf16, bundle: await writeReleasedBundle(folder, 'fp8') },
      'no picture, a camera LoRA': { ...bf16, lora: await writeReleasedCameraLora(folder, 'static') },
    };
    const wanted = process.argv.slice(2);
    const rows: string[][] = [];
    for (const [name, form] of Object.entries(forms)) {
      if (wanted.length > 0 && !wanted.includes(name)) continue;
      for (const size of sizes) {
        const count = async (blocks: number, log: string): Promise<Traffic> => {
          const env = { ...process.env, ...cuda.environment({ log: join(folder, log), largestCopy: 1e6 }) };
          const evaluation: Evaluation = { ...form, blocks, size };
          const { stdout } = await promisify(execFile)(process.execPath, [program, JSON.stringify(evaluation)], {
            env,
          });
          return JSON.parse(stdout) as Traffic;
        };
        const log = `log-${rows.length}`;
        const [fewer, more] = [await count(fewerBlocks, `${log}-fewer`), await count(moreBlocks, `${log}-more`)];
        const block = trafficOfBlock(fewer, more, moreBlocks - fewerBlocks);
        const whole = withBlocks(fewer, block, releasedSizes.layers - fewerBlocks);
        rows.push(rowOf(name, size.frames * size.height * size.width, block, whole));
      }
    }
    process.stdout.write(explanation());
    process.stdout.write(textTable([...heading, ...rows]));
  }
} finally {
  await rm(folder, { recursive: true });
}

function rowOf(name: string, tokens: number, block: Traffic, whole: Traffic): string[] {
  const seconds = secondsOf(whole);
  const share = whole.flops / seconds / assumptions.peak;
  return [
    ...[name, tokens.toLocaleString('en')],
    ...[block.nodes.toFixed(0), `${block.products} (${block.spreads})`, (block.elementwiseBytes / 1e9).toFixed(2)],
    ...[(whole.elementwiseBytes / 1e9).toFixed(0), (whole.spreadBytes / 1e9).toFixed(0)],
    `${(whole.toDeviceBytes / 1e6).toFixed(1)} + ${(whole.toHostBytes / 1e6).toFixed(1)}`,
    ...[whole.productSeconds, whole.attentionSeconds, whole.elementwiseSeconds, whole.copySeconds].map((part) =>
      part.toFixed(3),
    ),
    ...[seconds.toFixed(2), `${(share * 100).toFixed(0)} %`],
  ];
}

function explanation(): string {
  const { peak, productShare, attentionShare, bandwidth, bandwidthShare, pcie, kernel } = assumptions;
  return `GB are bytes that neither products nor attention move, in memory of the GPU, for one evaluation of ${releasedSizes.layers} blocks.
The estimate supposes ${(peak * productShare) / 1e12} TFLOP/s for products (${productShare * 100} % of ${peak / 1e12}), ${((peak * attentionShare) / 1e12).toFixed(0)} for attention (${attentionShare * 100} %), ${((bandwidth * bandwidthShare) / 1e12).toFixed(2)} TB/s of memory
(${bandwidthShare * 100} % of ${bandwidth / 1e12}), ${pcie / 1e9} GB/s over PCIe, and no kernel below ${kernel * 1e6} µs.

`;
}
