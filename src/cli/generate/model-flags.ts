import { type Command, InvalidArgumentError, Option } from 'commander';
import { type DeviceChoice, deviceChoices, type Precision, precisions } from '../../graph/graph-target.ts';
import { gigabytes } from '../../shared/configuration.ts';

/** The model, and what it runs on. */
export interface ModelFlags {
  readonly model: string;
  readonly device: DeviceChoice;
  readonly gpuMemory?: number;
  readonly precision: Precision;
}

/** Of the commands that make clips and films. */
export function addModelFlags(command: Command): Command {
  return command
    .option('--model <id|folder>', 'weights: an id of `soundstage models list`, or a folder of your own', 'nano')
    .addOption(new Option('--device <device>', 'where the model runs').choices(deviceChoices).default('auto'))
    .addOption(
      new Option(
        '--gpu-memory <gigabytes>',
        'memory of the GPU to use: what does not fit comes and goes; default what is free',
      ).argParser(parseGigabytes),
    )
    .addOption(precisionOption());
}

export function precisionOption(): Option {
  return new Option(
    '--precision <precision>',
    'int8 computes the transformer in eight bits: faster on the CPU, a little less exact; the rounded weights are written once',
  )
    .choices(precisions)
    .default('exact');
}

function parseGigabytes(text: string): number {
  const { success, data } = gigabytes.safeParse(text);
  if (!success) throw new InvalidArgumentError('It must be a number of gigabytes, such as 12.');
  return data;
}
