import { availableParallelism, cpus, freemem, totalmem } from 'node:os';
import { Command } from 'commander';
import { isSupportedCapability } from '../cuda/failure.ts';
import { type Gpu, listGpus } from '../cuda/gpus.ts';
import { cudaFolder, findInstallation } from '../cuda/installation.ts';
import { devices } from '../graph/graph-target.ts';
import { type DeviceReport, probeDeviceSafely } from '../graph/runtime/device-probe.ts';
import { overviewOfWeights } from '../models/weights-overview.ts';
import { fitOf } from '../pipeline/plan/gpu-fit.ts';
import { formatBytes } from '../shared/quantities.ts';
import { reporting, type TextOutput } from './reporting.ts';

/** `soundstage doctor`: says what this machine can do. */
export function doctorCommand(stdout: TextOutput = process.stdout): Command {
  return new Command('doctor').description('say what this machine can do').action(() =>
    reporting(process.stderr, async (signal) => {
      const line = (name: string, value: string): void => void stdout.write(`${name.padEnd(10)}${value}\n`);
      line('node', `${process.version}, ${process.platform} ${process.arch}`);
      line('cpu', `${cpus()[0]?.model.trim() ?? 'unknown'}, ${availableParallelism()} threads`);
      line('memory', `${formatBytes(freemem())} free of ${formatBytes(totalmem())}`);
      for (const gpu of await listGpus(undefined, signal)) line(`gpu ${gpu.index}`, describeGpu(gpu));
      const installed = describeInstalled();
      if (installed !== undefined) line('installed', installed);
      for (const device of devices) line(device, describeDevice(await probeDeviceSafely(device, signal)));
      for (const { id, state, bytes, where } of await overviewOfWeights()) {
        line('weights', `${id}: ${state}, ${formatBytes(bytes)}, ${where}`);
      }
    }),
  );
}

function describeGpu({ name, memory, freeMemory, driver, computeCapability }: Gpu): string {
  const free = freeMemory === undefined ? '' : `${formatBytes(freeMemory)} free of `;
  const facts = [
    name,
    ...(memory === undefined ? [] : [`${free}${formatBytes(memory)}`]),
    ...(driver === undefined ? [] : [`driver ${driver}`]),
    ...(computeCapability === undefined ? [] : [describeCapability(computeCapability)]),
    ...(memory === undefined ? [] : [fitOf(freeMemory ?? memory)]),
  ];
  return facts.join(', ');
}

function describeCapability(computeCapability: string): string {
  const isSupported = isSupportedCapability(computeCapability);
  return `compute capability ${computeCapability}${isSupported ? '' : ' (which there is no code for)'}`;
}

/** What `gpu install` brought; undefined where it was not used. */
function describeInstalled(): string | undefined {
  const installation = findInstallation();
  if (installation === undefined) return undefined;
  const packages = [installation.provider, ...installation.libraries];
  return `${packages.map(({ name, version }) => `${name} ${version}`).join(', ')} in ${cudaFolder()}`;
}

function describeDevice(report: DeviceReport): string {
  if (!report.usable) return `not usable: ${report.reason}`;
  return report.note === undefined ? 'works' : `works; ${report.note}`;
}
