// The table of settings in docs/configuration.md, made from the schema that reads them.

import { homedir } from 'node:os';
import { join } from 'node:path';
import type { Command } from 'commander';
import { z } from 'zod';
import { serveCommand } from '../src/cli/serve/serve-command.ts';
import { workerCommand } from '../src/cli/serve/worker-command.ts';
import { servedEndpoints } from '../src/contract/endpoints/served-endpoints.ts';
import { configurationSchema } from '../src/shared/configuration.ts';

/** What stands around the table in the document. */
export const marks = Object.freeze({ begin: '<!-- settings: begin -->', end: '<!-- settings: end -->' });

/** The document with the table of today's schema. */
export function withSettings(text: string): string {
  const [before, after] = [text.indexOf(marks.begin), text.indexOf(marks.end)];
  if (before < 0 || after < before) throw new Error(`the document lacks ${marks.begin} or ${marks.end}`);
  return `${text.slice(0, before + marks.begin.length)}\n${settingsTable()}\n${text.slice(after)}`;
}

function settingsTable(): string {
  const flags = [flagsOf(serveCommand(servedEndpoints)), flagsOf(workerCommand(servedEndpoints))] as const;
  const names = Object.keys(configurationSchema.shape).toSorted() as (keyof typeof configurationSchema.shape)[];
  const rows = names.map((name) => {
    const schema = configurationSchema.shape[name];
    const [serve, worker] = flags.map((known) => known.get(name));
    const flag = serve === undefined ? '' : `\`${serve}\`${worker === undefined ? ' (`serve`)' : ''}`;
    return [`\`${name}\``, escaped(schema.description ?? ''), valuesOf(schema), defaultOf(schema), flag];
  });
  const table = [['variable', 'meaning', 'values', 'default', 'flag'], Array(5).fill('---'), ...rows];
  return table.map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

/** Flags by the variable that their help names. */
function flagsOf(command: Command): ReadonlyMap<string, string> {
  const named = command.options.map(({ long, description }) => [/\[([A-Z_0-9]+)\]$/.exec(description)?.[1], long]);
  return new Map(
    named.filter((pair): pair is [string, string] => pair[0] !== undefined && typeof pair[1] === 'string'),
  );
}

const facts = z.object({
  type: z.string().optional(),
  format: z.string().optional(),
  enum: z.array(z.string()).optional(),
  minimum: z.number().optional(),
  maximum: z.number().optional(),
  exclusiveMinimum: z.number().optional(),
});

function valuesOf(schema: z.ZodType): string {
  const json = facts.parse(z.toJSONSchema(schema, { io: 'output', unrepresentable: 'any' }));
  if (json.enum !== undefined) return json.enum.map((value) => `\`${value}\``).join(', ');
  if (json.format === 'uri') return 'a URL';
  switch (json.type) {
    case 'boolean':
      return '`1`, `true`, `yes`, `on` or `0`, `false`, `no`, `off`';
    case 'integer':
    case 'number':
      return `${json.type === 'integer' ? 'whole number' : 'number'}${rangeOf(json)}`;
    case 'string':
      return 'text';
    default:
      return 'list with commas';
  }
}

function rangeOf({ minimum, maximum, exclusiveMinimum }: z.infer<typeof facts>): string {
  if (exclusiveMinimum !== undefined) return ` above ${exclusiveMinimum}`;
  return minimum === undefined || maximum === undefined ? '' : `, ${minimum} to ${maximum}`;
}

function defaultOf(schema: z.ZodType): string {
  const parsed = schema.safeParse(undefined);
  const value: unknown = parsed.success ? parsed.data : undefined;
  if (value === undefined || (Array.isArray(value) && value.length === 0)) return '';
  return typeof value === 'number' ? number(value, schema) : `\`${portable(String(value))}\``;
}

function number(value: number, schema: z.ZodType): string {
  const bytes = schema.description?.includes('bytes') || value >= 2 ** 20;
  const inUnits = value >= 2 ** 30 ? `${value / 2 ** 30} GiB` : `${value / 2 ** 20} MiB`;
  return bytes && Number.isInteger(value / 2 ** 20) ? `\`${value}\` (${inUnits})` : `\`${value}\``;
}

/** Whoever made the table has a home of their own. */
function portable(path: string): string {
  const folders = [
    [process.env.XDG_DATA_HOME, '.local/share', 'soundstage'],
    [process.env.XDG_CACHE_HOME, '.cache', 'soundstage/cuda'],
  ] as const;
  const found = folders.find(([given, usual, own]) => path === join(given ?? join(homedir(), usual), own));
  return found === undefined ? path : `~/${found[1]}/${found[2]}`;
}

function escaped(text: string): string {
  return text.replaceAll('|', '\\|');
}
