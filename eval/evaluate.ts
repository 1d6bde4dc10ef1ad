// Measures the embedded miniature: makes clips the way `generate` does and looks whether they are what was asked for.
// Usage: npm run eval -- [--only sync,prompt] [--clips 10] [--model id|folder] [--out folder] [--write] [--json]
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { Command, InvalidArgumentError } from 'commander';
import { precisionOption } from '../src/cli/generate/model-flags.ts';
import { reporting } from '../src/cli/reporting.ts';
import { textTable } from '../src/cli/text-table.ts';
import type { Precision } from '../src/graph/graph-target.ts';
import { contactSheet } from './contact-sheet.ts';
import { ProgressLine } from './progress-line.ts';
import { type MeasuredRow, tableCells, withTable } from './results-table.ts';
import type { Row } from './row.ts';
import { allRows } from './rows/all-rows.ts';
import { SoundLibrary } from './sounds/sound-library.ts';
import { Studio } from './studio.ts';

interface Flags {
  readonly only?: readonly string[];
  readonly clips?: number;
  readonly model: string;
  readonly precision: Precision;
  readonly out?: string;
  readonly write?: boolean;
  readonly json?: boolean;
}

const usualFolder = join(import.meta.dirname, '../docs/nano');
const listed = allRows('').map(({ name, about }) => `  ${name.padEnd(20)}${about}`);

const program = new Command('eval')
  .description('measure the miniature: does it show what the prompt asks for and move with the sound?')
  .option('--only <rows>', 'rows to measure, with commas between them (default: all)', rowNames)
  .option(
    '--clips <count>',
    'clips per row, or per kind within it (default: as many as the full evaluation takes)',
    whole,
  )
  .option('--model <id|folder>', 'weights, as for `generate`', 'nano')
  .addOption(precisionOption())
  .option('--out <folder>', 'write a contact sheet per row into this folder')
  .option('--write', 'put the table into the page beside that folder (default: docs/nano.md and docs/nano)')
  .option('--json', 'print the results as JSON')
  .addHelpText('after', ['', 'Rows:', ...listed].join('\n'))
  .action((flags: Flags) => reporting(process.stderr, (signal) => evaluate(flags, signal)));

await program.parseAsync();

async function evaluate(flags: Flags, signal: AbortSignal): Promise<void> {
  const folder = flags.out === undefined ? (flags.write ? usualFolder : undefined) : resolve(flags.out);
  if (folder !== undefined) await mkdir(folder, { recursive: true });
  await using studio = await Studio.open({ model: flags.model, precision: flags.precision, signal });
  const sounds = new SoundLibrary(studio.folder, studio.media);
  const measured: MeasuredRow[] = [];
  for (const row of allRows(flags.model).filter(({ name }) => flags.only?.includes(name) ?? true)) {
    measured.push(await measure(row, { studio, sounds, folder, clips: flags.clips }));
    // After every row, so that a long evaluation that is interrupted leaves what it found.
    if (flags.write && folder !== undefined) await writePage(`${folder}.md`, measured, basename(folder));
  }
  process.stdout.write(flags.json ? `${JSON.stringify(measured, null, 2)}\n` : textTable(tableCells(measured)));
}

interface Measuring {
  readonly studio: Studio;
  readonly sounds: SoundLibrary;
  readonly folder: string | undefined;
  readonly clips: number | undefined;
}

async function measure(row: Row, { studio, sounds, folder, clips }: Measuring): Promise<MeasuredRow> {
  using progress = new ProgressLine(process.stderr);
  progress.show(row.name);
  const started = performance.now();
  const { findings, sheet } = await row.run({
    studio,
    sounds,
    count: (usual) => Math.min(usual, clips ?? usual),
    step: (what) => progress.show(`${row.name}: ${what}`),
  });
  const seconds = Math.round((performance.now() - started) / 100) / 10;
  const result: MeasuredRow = { name: row.name, findings, seconds };
  if (folder === undefined || sheet === undefined || sheet.length === 0) return result;
  const file = `${row.name}.png`;
  await writeFile(join(folder, file), await contactSheet(sheet));
  return { ...result, sheet: file };
}

async function writePage(path: string, measured: readonly MeasuredRow[], sheets: string): Promise<void> {
  const page = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  await writeFile(path, withTable(page, measured, sheets));
}

function rowNames(text: string): string[] {
  const names = text.split(',').map((name) => name.trim());
  const known = allRows('').map(({ name }) => name);
  const unknown = names.find((name) => !known.includes(name));
  if (unknown === undefined) return names;
  throw new InvalidArgumentError(`there is no row "${unknown}"; rows are ${known.join(', ')}`);
}

function whole(text: string): number {
  const count = Number(text);
  if (Number.isInteger(count) && count > 0) return count;
  throw new InvalidArgumentError('it must be a whole number above 0');
}
