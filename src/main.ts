#!/usr/bin/env -S node --disable-warning=ExperimentalWarning
import { program } from 'commander';
import { doctorCommand } from './cli/doctor-command.ts';
import { generateCommand } from './cli/generate-command.ts';
import { keysCommand } from './cli/keys-command.ts';
import { modelsCommand } from './cli/models-command.ts';
import { parityCommand } from './cli/parity-command.ts';
import { serveCommand } from './cli/serve-command.ts';
import { workerCommand } from './cli/worker-command.ts';

program
  .name('soundstage')
  .description('LTX-2 audio-to-video on your own machine: a recording goes in, a finished clip comes out.')
  .addCommand(generateCommand())
  .addCommand(serveCommand())
  .addCommand(workerCommand())
  .addCommand(keysCommand())
  .addCommand(modelsCommand())
  .addCommand(parityCommand())
  .addCommand(doctorCommand())
  .showHelpAfterError('(add --help for the options)');

await program.parseAsync();
