import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { putEmptyDatabase } from '../support/databases/databases.ts';
import { startPostgres } from '../support/databases/postgres.ts';
import { isInstalled } from '../support/programs/installed.ts';
import { pythonWith } from '../support/programs/python.ts';
import { startS3 } from '../support/s3.ts';
import { startTestServer } from '../support/server.ts';
import { type Block, blocksOf, type Execution, type Need } from './blocks.ts';
import { readDocuments } from './documents.ts';
import { blockTimeLimit, Reader } from './reader.ts';

// Every fenced block of the documentation is typed in as it is printed, except those marked as not run.
const documents = (await readDocuments()).map((document) => ({ name: document.name, blocks: blocksOf(document) }));
const blocks = documents.flatMap((document) => document.blocks);
const executions = blocks.flatMap(({ treatment }) => (treatment.kind === 'executed' ? [treatment] : []));
const isNeeded = (need: Need): boolean => executions.some(({ needs }) => needs.includes(need));

// Where it is not installed yet, that is mostly waiting for the registry.
const installing = pythonWith('fal-client>=1,<2');
await using opened = new AsyncDisposableStack();
const folder = await mkdtemp(join(tmpdir(), 'soundstage-docs-'));
opened.defer(() => rm(folder, { recursive: true, force: true }));
const home = join(folder, 'home');
const dataFolder = join(home, '.local/share/soundstage');
await mkdir(dataFolder, { recursive: true });
await putEmptyDatabase(dataFolder);
// Keys that the documentation creates do not lock its other readers out.
const server = opened.use(
  await startTestServer({ maker: 'pipeline', dataFolder, settings: { SOUNDSTAGE_AUTH: 'off' } }),
);
const postgres = isNeeded('postgres') ? await startPostgres() : undefined;
if (postgres !== undefined) opened.use(postgres);
const s3 = isNeeded('s3') ? await startS3() : undefined;
if (s3 !== undefined) opened.use(s3);
const python = await installing;
const stack = opened.move();
afterAll(() => stack.disposeAsync(), blockTimeLimit);

const isThere: Readonly<Record<Need, boolean>> = {
  python: python !== undefined,
  curl: isInstalled('curl'),
  postgres: postgres !== undefined,
  s3: s3 !== undefined,
};
const counts = { executed: 0, 'not run': 0, parsed: 0, shown: 0, skipped: 0 };
for (const block of blocks) counts[fateOf(block)] += 1;

/** Addresses in the documentation, and what answers there during the test. */
async function replacements(): Promise<ReadonlyMap<string, string>> {
  const { host } = new URL(server.url);
  return new Map([
    ['127.0.0.1:8000', host],
    ['localhost:8000', host.replace('127.0.0.1', 'localhost')],
    ['postgres://soundstage:secret@db.example.com/soundstage', (await postgres?.newDatabase()) ?? ''],
    ['https://s3.example.com', s3?.endpoint ?? ''],
    ['soundstage-clips', (await s3?.newBucket()) ?? ''],
  ]);
}

const withTests = documents.filter((document) => document.blocks.some(({ treatment }) => treatment.kind !== 'shown'));

describe.each(withTests)('$name', ({ name, blocks: own }) => {
  let reader: Reader;
  beforeAll(async () => {
    if (!own.some(({ treatment }) => treatment.kind === 'executed')) return;
    const programs = python === undefined ? [] : [dirname(python.executable)];
    const options = { home, programs, replacements: await replacements() };
    reader = await Reader.sitDown(join(folder, name.replaceAll(/\W/g, '-')), options);
  });

  for (const block of own) {
    const { treatment } = block;
    const fate = fateOf(block);
    if (fate === 'shown') continue;
    const title = `line ${block.line}: ${fate}${treatment.kind === 'not run' ? `, ${treatment.reason}` : ''}`;
    test.skipIf(fate === 'not run' || fate === 'skipped')(title, { timeout: blockTimeLimit + 10_000 }, async () => {
      if (treatment.kind === 'executed') await reader.run(block, treatment);
      if (treatment.kind === 'parsed') parse(block.text, treatment.format);
    });
  }
});

test('most blocks are executed', () => {
  process.stdout.write(`blocks of the documentation: ${JSON.stringify(counts)}\n`);
  expect(counts.executed + counts.skipped).toBeGreaterThan(30);
});

function fateOf(block: Block): keyof typeof counts {
  const { treatment } = block;
  const isSkipped = treatment.kind === 'executed' && needsOf(block, treatment).some((need) => !isThere[need]);
  return isSkipped ? 'skipped' : treatment.kind;
}

function needsOf({ text }: Block, { language, needs }: Execution): readonly Need[] {
  const implied: Need[] = [];
  if (language === 'python') implied.push('python');
  if (/\bcurl\b/.test(text)) implied.push('curl');
  return [...needs, ...implied];
}

function parse(text: string, format: 'json' | 'yaml'): void {
  if (format === 'json') JSON.parse(text);
  else for (const { errors } of parseAllDocuments(text)) expect(errors).toEqual([]);
}
