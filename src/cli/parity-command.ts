import { Command, Option } from 'commander';
import { type DeviceKind, devices, fallbackDevice, graphTargets } from '../graph/graph-target.ts';
import { chooseDevice } from '../pipeline/choose-device.ts';
import { SoundstageError } from '../shared/errors.ts';
import { openParityFolder } from './parity/parity-case.ts';
import { type CaseResult, runCase } from './parity/run-cases.ts';
import { reporting } from './reporting.ts';

/** "0.03 on cuda, …" */
const halfPrecision = devices
  .filter((device) => graphTargets[device].arithmetic !== 'float32')
  .map((device) => `${graphTargets[device].tolerance} on ${device}`)
  .join(', ');

/** `soundstage parity`: compares this implementation with recorded outputs of the reference. */
export function parityCommand(): Command {
  return new Command('parity')
    .description('compare every network with recorded outputs of the reference implementation')
    .argument('<dir>', 'folder with manifest.json, cases.safetensors and checkpoint/')
    .option('--only <text>', 'run only cases whose name or module contains this text')
    .addOption(new Option('--device <device>', 'where the networks run').choices(devices).default(fallbackDevice))
    .addHelpText(
      'after',
      `
Prints one line per case; the exit code is 0 only if all pass. Float32 (cpu) is held to the recorded tolerances; what is computed
in half precision may differ by ${halfPrecision} in relative L2.`,
    )
    .action((dir: string, { only = '', device: wanted }: { only?: string; device: DeviceKind }) =>
      reporting(process.stderr, async () => {
        const { device } = await chooseDevice(wanted);
        const target = graphTargets[device];
        const folder = await openParityFolder(dir);
        const cases = folder.cases.filter(({ name, module }) => name.includes(only) || module.includes(only));
        if (cases.length === 0) throw new SoundstageError('input', `${dir} has no case that matches "${only}"`);
        let failed = 0;
        for (const description of cases) {
          const result = await runCase(folder, description, target);
          if (!result.passed) failed++;
          process.stdout.write(`${resultLine(description.module, result)}\n`);
        }
        process.stdout.write(`${cases.length - failed} passed, ${failed} failed\n`);
        if (failed > 0) process.exitCode = 1;
      }),
    );
}

function resultLine(module: string, { name, passed, comparisons, error, seconds }: CaseResult): string {
  const worst = comparisons.reduce(
    (sum, { maxAbs, relL2 }) => ({ maxAbs: Math.max(sum.maxAbs, maxAbs), relL2: Math.max(sum.relL2, relL2) }),
    {
      maxAbs: 0,
      relL2: 0,
    },
  );
  const failures = comparisons.filter((comparison) => !comparison.passed);
  const complaints = failures.map(({ output, complaint, maxAbs, relL2 }) =>
    complaint === undefined
      ? `${output} max ${maxAbs.toExponential(1)} rel ${relL2.toExponential(1)}`
      : `${output} ${complaint}`,
  );
  const detail =
    error?.message ??
    (passed ? `max ${worst.maxAbs.toExponential(1)} rel ${worst.relL2.toExponential(1)}` : complaints.join('; '));
  return `${passed ? 'pass' : 'FAIL'}  ${module.padEnd(24)} ${name.padEnd(32)} ${detail} (${seconds.toFixed(2)} s)`;
}
