// Where the nodes of every network are, in ONNX Runtime's CUDA provider over stand-ins for NVIDIA's libraries. No GPU is needed.
// Usage: node bench/cuda-placement.ts [parity | released] [compute capability, such as 90]

import { textTable } from '../src/cli/text-table.ts';
import { placements } from '../test/cuda/placement.ts';
import { standInCuda } from '../test/cuda/stand-in.ts';

const [weights = 'parity', capability = '90'] = process.argv.slice(2);
const cuda = await standInCuda();
if (cuda !== undefined) {
  const gpu = { capability: Number(capability), largestCopy: 1e6 };
  const found = await placements(cuda, gpu, weights === 'released' ? 'released' : 'parity');
  const rows = found.map(({ network, error, onDevice, shapes, onHost, copies }) => [
    network,
    ...(error === undefined
      ? [String(onDevice), String(shapes), listed(onHost), copies.join(', ')]
      : [error, '', '', '']),
  ]);
  process.stdout.write(textTable([['network', 'nodes on CUDA', 'shapes on CPU', 'others on CPU', 'copies'], ...rows]));
}

function listed(counts: Readonly<Record<string, number>>): string {
  return Object.entries(counts)
    .map(([operator, count]) => `${count} ${operator}`)
    .join(', ');
}
