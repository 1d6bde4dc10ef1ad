import { availableParallelism, cpus, freemem, totalmem } from 'node:os';
import { Command } from 'commander';
import { isSupportedCapability } from '../cuda/failure.ts';
import { type Gpu, listGpus } from '../cuda/gpus.ts';
import { cudaFolder, findInstallation } from '../cuda/installation.ts';
import { devices } from '../graph/graph-target.ts';
import { type DeviceReport, probeDeviceSafely } from '../graph/runtime/device-probe.ts';
import { overviewOfWeights, type WeightsOverview } from '../models/weights-overview.ts';
import { int8Folder, int8Overview } from '../pipeline/engine/int8-cache.ts';
import { fitOf } from '../pipeline/plan/gpu-fit.ts';
import { version } from '../shared/folders/program-package.ts';
import { formatBytes } from '../shared/quantities.ts';
import { reporting, type TextOutput } from './reporting.ts';

interface DoctorFlags {
  readonly json?: boolean;
}

/** What `soundstage doctor --json` prints. Sizes are bytes. */
interface Diagnosis {
  readonly version: string;
  readonly node: string;
  readonly platform: string;
  readonly cpu: { readonly model: string; readonly threads: number };
  readonly memory: { readonly total: number; readonly free: number };
  readonly gpus: readonly Gpu[];
  /** What `gpu install` brought; absent where it was not used. */
  readonly installed?: string | undefined;
  readonly devices: readonly DeviceReport[];
  readonly weights: readonly WeightsOverview[];
  /** Weights rounded to eight bits, which `--precision int8` has made. */
  readonly int8: { readonly folder: string; readonly files: number; readonly bytes: number };
}

/** `soundstage doctor`: says what this machine can do. */
export function doctorCommand(stdout: TextOutput = process.stdout): Command {
  return new Command('doctor')
    .description('say what this machine can do')
    .option('--json', 'print JSON')
    .action(({ json }: DoctorFlags) =>
      reporting(
        process.stderr,
        async (signal) => {
          const diagnosis = await diagnose(signal);
          stdout.write(json ? `${JSON.stringify(diagnosis, undefined, 2)}\n` : describe(diagnosis));
        },
        { json },
      ),
    );
}

async function diagnose(signal: AbortSignal): Promise<Diagnosis> {
  const reports: DeviceReport[] = [];
  // One after another, since each computes.
  for (const device of devices) reports.push(await probeDeviceSafely(device, signal));
  return {
    version,
    node: process.version,
    platform: `${process.platform} ${process.arch}`,
    cpu: { model: cpus()[0]?.model.trim() ?? 'unknown', threads: availableParallelism() },
    memory: { total: totalmem(), free: freemem() },
    gpus: await listGpus(undefined, signal),
    installed: describeInstalled(),
    devices: reports,
    weights: await overviewOfWeights(),
    int8: { folder: int8Folder(), ...(await int8Overview()) },
  };
}

function describe({
  node,
  platform,
  cpu,
  memory,
  gpus,
  installed,
  devices: reports,
  weights,
  int8,
}: Diagnosis): string {
  const lines: (readonly [name: string, value: string])[] = [
    ['soundstage', version],
    ['node', `${node}, ${platform}`],
    ['cpu', `${cpu.model}, ${cpu.threads} threads`],
    ['memory', `${formatBytes(memory.free)} free of ${formatBytes(memory.total)}`],
    ...gpus.map((gpu) => [`gpu ${gpu.index}`, describeGpu(gpu)] as const),
    ...(installed === undefined ? [] : [['installed', installed] as const]),
    ...reports.map((report) => [report.device, describeDevice(report)] as const),
    ...weights.map(
      ({ id, state, bytes, where }) => ['weights', `${id}: ${state}, ${formatBytes(bytes)}, ${where}`] as const,
    ),
    ...(int8.files === 0 ? [] : [['int8', `rounded weights, ${formatBytes(int8.bytes)}, ${int8.folder}`] as const]),
  ];
  return lines.map(([name, value]) => `${name.padEnd(9)} ${value}\n`).join('');
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
