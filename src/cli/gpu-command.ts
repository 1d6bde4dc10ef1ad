import { Command } from 'commander';
import { oldestDriver } from '../cuda/failure.ts';
import { type InstallOptions, type InstallResult, installCuda } from '../cuda/install/install-cuda.ts';
import { driverLibrary } from '../cuda/libraries.ts';
import { fullInstallCommand } from '../cuda/trouble.ts';
import { missingCudaLibraries } from '../graph/runtime/device-probe.ts';
import { ProgressReport, type ReportOutput } from '../models/download/progress-report.ts';
import { SoundstageError } from '../shared/errors.ts';
import { reporting } from './reporting.ts';

export interface GpuCommandOptions {
  /** Default `process.stdout`. */
  readonly stdout?: ReportOutput | undefined;
  /** For progress and error messages; default `process.stderr`. */
  readonly stderr?: ReportOutput | undefined;
  readonly install?: Pick<InstallOptions, 'env' | 'runtime' | 'retry'> | undefined;
}

interface InstallFlags {
  readonly withCudaLibraries?: boolean;
  readonly indexUrl?: string;
  readonly wheels?: string;
}

const environment = `
Environment:
  SOUNDSTAGE_CUDA_FOLDER  where it is installed (default ~/.cache/soundstage/cuda)
  PIP_INDEX_URL           index to ask, unless --index-url says otherwise`;

/** `soundstage gpu`: installs what a GPU needs. Sets `process.exitCode` on a clear error. */
export function gpuCommand({
  stdout = process.stdout,
  stderr = process.stderr,
  install,
}: GpuCommandOptions = {}): Command {
  const gpu = new Command('gpu').description('install what NVIDIA GPUs need');
  gpu
    .command('install')
    .description("install ONNX Runtime's CUDA part where the engine finds it; does nothing where it is there")
    .option('--with-cuda-libraries', 'install CUDA 13 and cuDNN 9 as well (about 2 GB), where the system has none')
    .option('--index-url <url>', 'package index of Python (default: PIP_INDEX_URL or PyPI)')
    .option('--wheels <folder>', 'take the wheels from this folder, without a network')
    .addHelpText('after', environment)
    .action(({ withCudaLibraries: withLibraries, ...flags }: InstallFlags) =>
      reporting(stderr, async (signal) => {
        const report = new ProgressReport(stderr);
        let result: InstallResult;
        try {
          const onProgress: InstallOptions['onProgress'] = (progress) => report.update(progress);
          result = await installCuda({ ...install, ...flags, withLibraries, signal, onProgress });
        } finally {
          report.finish();
        }
        stdout.write(describe(result));
        stdout.write(describeMissing((await missingCudaLibraries(signal)).missing, withLibraries === true));
      }),
    );
  return gpu;
}

function describe({ folder, added, installation: { provider, libraries } }: InstallResult): string {
  if (added.length > 0) {
    return `${added.map(({ name, version }) => `${name} ${version}`).join(', ')}: installed in ${folder}\n`;
  }
  const beside = libraries.length === 0 ? '' : ` with ${libraries.length} packages of NVIDIA`;
  return `${provider.name} ${provider.version}${beside} is in ${folder}: nothing to do\n`;
}

/** @throws SoundstageError `device` where something that was to be installed does not load */
function describeMissing(missing: readonly string[], withLibraries: boolean): string {
  const libraries = missing.filter((name) => name !== driverLibrary);
  if (libraries.length > 0 && withLibraries) {
    const message = `the loader does not find ${libraries.join(', ')}: install what has them with your system's packages`;
    throw new SoundstageError('device', message);
  }
  const lines = [
    ...(libraries.length > 0 ? [`The system lacks ${libraries.join(', ')}: run \`${fullInstallCommand}\``] : []),
    ...(missing.includes(driverLibrary)
      ? [`The NVIDIA driver is missing (${driverLibrary}): install version ${oldestDriver} or newer`]
      : []),
  ];
  return lines.map((line) => `${line}\n`).join('') || 'Nothing is missing; `soundstage doctor` tries it out\n';
}
