import { parseArgs } from 'node:util';
import { z } from 'zod';
import { type DeviceKind, deviceChoices, fallbackDevice } from '../src/graph/graph-target.ts';
import { chooseDevice } from '../src/pipeline/choose-device.ts';

/** What a benchmark is called with: `[--device DEVICE] [word…]`. */
export interface BenchmarkArguments {
  readonly device: DeviceKind;
  readonly words: readonly string[];
}

/** @throws SoundstageError `device` if the device does not work here; TypeError and ZodError for arguments that do not exist */
export async function benchmarkArguments(): Promise<BenchmarkArguments> {
  const options = { device: { type: 'string', default: fallbackDevice } } as const;
  const { values, positionals } = parseArgs({ options, allowPositionals: true });
  const { device } = await chooseDevice(z.enum(deviceChoices).parse(values.device));
  return { device, words: positionals };
}
