#!/usr/bin/env -S node --disable-warning=ExperimentalWarning
import './shared/platform/disposable-stacks.ts';
import { program } from 'commander';
import { obstacleToRunning } from './shared/platform/unsupported.ts';

const obstacle = obstacleToRunning();
if (obstacle !== undefined) {
  process.stderr.write(`${obstacle}\n`);
  process.exit(1);
}

const endpoints = async () => (await import('./contract/endpoints/served-endpoints.ts')).servedEndpoints;

/** Only the one that is asked for is loaded, since each brings along what the others do not need; for the help, all are. */
const commands = new Map([
  ['generate', async () => (await import('./cli/generate/generate-command.ts')).generateCommand()],
  ['serve', async () => (await import('./cli/serve/serve-command.ts')).serveCommand(await endpoints())],
  ['worker', async () => (await import('./cli/serve/worker-command.ts')).workerCommand(await endpoints())],
  ['keys', async () => (await import('./cli/keys-command.ts')).keysCommand()],
  ['models', async () => (await import('./cli/models-command.ts')).modelsCommand()],
  ['gpu', async () => (await import('./cli/gpu-command.ts')).gpuCommand()],
  ['parity', async () => (await import('./cli/parity-command.ts')).parityCommand()],
  ['doctor', async () => (await import('./cli/doctor-command.ts')).doctorCommand()],
]);

program
  .name('soundstage')
  .description('LTX-2 audio-to-video on your own machine: a recording goes in, a finished clip comes out.')
  .showHelpAfterError('(add --help for the options)');

const asked = commands.get(process.argv[2] ?? '');
for (const load of asked === undefined ? commands.values() : [asked]) program.addCommand(await load());

await program.parseAsync();
