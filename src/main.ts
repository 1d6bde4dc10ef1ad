#!/usr/bin/env -S node --disable-warning=ExperimentalWarning
import './shared/platform/disposable-stacks.ts';
import { enableCompileCache } from 'node:module';
import { join } from 'node:path';
import { type Command, CommanderError, program } from 'commander';
import { completionCommand } from './cli/completion-command.ts';
import { exitCodes, jsonError } from './cli/reporting.ts';
import { version } from './shared/folders/program-package.ts';
import { userFolders } from './shared/folders/user-folders.ts';
import { obstacleToRunning } from './shared/platform/unsupported.ts';

const obstacle = obstacleToRunning();
if (obstacle !== undefined) {
  process.stderr.write(`${obstacle}\n`);
  process.exit(1);
}

// What is compiled once is there for the next command, and for the processes of this one.
process.env.NODE_COMPILE_CACHE ??= join(userFolders().cache, 'soundstage', 'compiled');
enableCompileCache(process.env.NODE_COMPILE_CACHE);

const endpoints = async () => (await import('./contract/endpoints/served-endpoints.ts')).allEndpoints;

/** Only the one that is asked for is loaded, since each brings along what the others do not need; for the help, all are. */
const others = new Map<string, () => Promise<Command>>([
  ['generate', async () => (await import('./cli/generate/generate-command.ts')).generateCommand()],
  ['film', async () => (await import('./cli/film/film-command.ts')).filmCommand()],
  ['serve', async () => (await import('./cli/serve/serve-command.ts')).serveCommand(await endpoints())],
  ['worker', async () => (await import('./cli/serve/worker-command.ts')).workerCommand(await endpoints())],
  ['keys', async () => (await import('./cli/keys-command.ts')).keysCommand()],
  ['models', async () => (await import('./cli/models-command.ts')).modelsCommand()],
  ['gpu', async () => (await import('./cli/gpu-command.ts')).gpuCommand()],
  ['parity', async () => (await import('./cli/parity-command.ts')).parityCommand()],
  ['doctor', async () => (await import('./cli/doctor-command.ts')).doctorCommand()],
]);

const all = (): Promise<readonly Command[]> => Promise.all([...others.values()].map((load) => load()));
const commands = new Map([...others, ['completion', async () => completionCommand(all)] as const]);

const isForPrograms = process.argv.includes('--json');

program
  .name('soundstage')
  .description('LTX-2 audio-to-video on your own machine: a recording goes in, a finished clip comes out.')
  .version(version, '--version', 'print the version');

const [, , first = ''] = process.argv;
const asked = commands.get(first);
const loaded = asked !== undefined ? [asked] : first === '--version' ? [] : commands.values();
for (const load of loaded) program.addCommand(await load());
configure(program);

try {
  await program.parseAsync();
} catch (error) {
  if (!(error instanceof CommanderError)) throw error;
  // Help and the version are no mistakes.
  if (error.exitCode !== 0) process.exitCode = exitCodes.input;
  if (isForPrograms && error.exitCode !== 0) {
    process.stderr.write(jsonError({ kind: 'input', message: error.message.replace(/^error: /, '') }));
  }
}

/** Mistakes on the command line are said like other mistakes in the input. */
function configure(command: Command): void {
  command
    .exitOverride()
    .showHelpAfterError(isForPrograms ? false : '(add --help for the options)')
    .configureOutput({ outputError: (text, write) => (isForPrograms ? undefined : write(text)) });
  for (const inner of command.commands) configure(inner);
}
