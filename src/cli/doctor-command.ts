import { availableParallelism, cpus, freemem, totalmem } from 'node:os';
import { Command } from 'commander';
import { devices } from '../graph/graph-target.ts';
import { type DeviceReport, probeDeviceSafely } from '../graph/runtime/device-probe.ts';
import { overviewOfWeights } from '../models/weights-overview.ts';
import { formatBytes } from '../shared/quantities.ts';
import { reporting } from './reporting.ts';

/** `soundstage doctor`: says what this machine can do. */
export function doctorCommand(): Command {
  return new Command('doctor').description('say what this machine can do').action(() =>
    reporting(process.stderr, async (signal) => {
      const line = (name: string, value: string): void => void process.stdout.write(`${name.padEnd(10)}${value}\n`);
      line('node', `${process.version}, ${process.platform} ${process.arch}`);
      line('cpu', `${cpus()[0]?.model.trim() ?? 'unknown'}, ${availableParallelism()} threads`);
      line('memory', `${formatBytes(freemem())} free of ${formatBytes(totalmem())}`);
      for (const device of devices) line(device, describeDevice(await probeDeviceSafely(device, signal)));
      for (const { id, state, bytes, where } of await overviewOfWeights()) {
        line('weights', `${id}: ${state}, ${formatBytes(bytes)}, ${where}`);
      }
    }),
  );
}

function describeDevice(report: DeviceReport): string {
  return report.usable ? 'works' : `not usable: ${report.reason}`;
}
