import type { Command } from 'commander';
import type { z } from 'zod';
import { type Configuration, configurationSchema, readConfiguration } from '../../shared/configuration.ts';

/** Settings that commands take as flags, and how the flags are written. */
const flags = Object.freeze({
  SOUNDSTAGE_HOST: '--host <address>',
  SOUNDSTAGE_PORT: '--port <number>',
  SOUNDSTAGE_PUBLIC_URL: '--public-url <url>',
  SOUNDSTAGE_DATA: '--data <folder>',
  SOUNDSTAGE_MODEL: '--model <id|folder>',
  SOUNDSTAGE_DEVICE: '--device <device>',
  SOUNDSTAGE_GPUS: '--gpus <list>',
  SOUNDSTAGE_GPU_MEMORY: '--gpu-memory <gigabytes>',
  SOUNDSTAGE_PRECISION: '--precision <precision>',
  SOUNDSTAGE_AUTH: '--auth <mode>',
  SOUNDSTAGE_ALLOW_ORIGINS: '--allow-origins <list>',
  SOUNDSTAGE_ALLOW_PRIVATE_HOSTS: '--allow-private-hosts <list>',
  SOUNDSTAGE_LORA_FOLDER: '--lora-folder <folder>',
  SOUNDSTAGE_SAFETY_MODEL: '--safety-model <model>',
} satisfies Partial<Record<keyof Configuration, string>>);

export type FlaggedSetting = keyof typeof flags;

/** Adds flags for settings; each says what the schema says, and the variable it stands for. */
export function addConfigurationFlags(command: Command, settings: readonly FlaggedSetting[]): Command {
  for (const name of settings) command.option(flags[name], `${describe(name)} [${name}]`);
  return command;
}

/**
 * The settings of the environment with the flags that were given.
 *
 * @throws SoundstageError `input` naming the setting
 */
export function configurationFrom(
  given: Readonly<Record<string, unknown>>,
  environment: NodeJS.ProcessEnv,
): Configuration {
  const overrides = Object.entries(flags).map(([name, flag]) => {
    const value = given[optionName(flag)];
    return [name, typeof value === 'string' ? value : undefined] as const;
  });
  return readConfiguration(environment, Object.fromEntries(overrides));
}

/** Settings with their meanings and defaults, for help; all of them where none are named. */
export function settingsHelp(chosen: readonly (keyof Configuration)[] = configurationSchema.keyof().options): string {
  const names = chosen.toSorted();
  const width = Math.max(...names.map((name) => name.length));
  const lines = names.map((name) => `  ${name.padEnd(width)}  ${describe(name)}`);
  return `\nEnvironment (flags win):\n${lines.join('\n')}`;
}

function describe(name: keyof Configuration): string {
  const schema: z.ZodType = configurationSchema.shape[name];
  const parsed = schema.safeParse(undefined);
  const value: unknown = parsed.success ? parsed.data : undefined;
  const isShown = value !== undefined && !(Array.isArray(value) && value.length === 0);
  return `${schema.description ?? ''}${isShown ? ` (default: ${String(value)})` : ''}`;
}

/** As commander names it: `--public-url <url>` is `publicUrl`. */
function optionName(flag: string): string {
  return flag.replace(/^--| .*$/g, '').replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
}
