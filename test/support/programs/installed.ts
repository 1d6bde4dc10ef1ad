import { spawnSync } from 'node:child_process';

/** Whether the machine has this command; says on stdout what is not run when it has not. */
export function isInstalled(command: string, versionArgument = '--version'): boolean {
  const found = spawnSync(command, [versionArgument], { stdio: 'ignore' }).status === 0;
  if (!found) process.stdout.write(`not run: ${command} is not installed\n`);
  return found;
}
