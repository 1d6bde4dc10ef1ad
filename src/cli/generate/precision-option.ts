import { Option } from 'commander';
import { precisions } from '../../graph/graph-target.ts';

/** `--precision`, of the commands that make clips. */
export function precisionOption(): Option {
  return new Option(
    '--precision <precision>',
    'int8 computes the transformer in eight bits: faster on the CPU, a little less exact; the rounded weights are written once',
  )
    .choices(precisions)
    .default('exact');
}
