import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { sql } from 'kysely';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { baselineWasm } from '../../../test/support/databases/baseline-wasm.ts';
import { putEmptyDatabase } from '../../../test/support/databases/databases.ts';
import { openTables } from '../open-database.ts';

const initializingRounds = 3;
const writingRounds = 4;
const victim = join(import.meta.dirname, 'kill-victim.test-support.ts');

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'soundstage-kill-'));
});
afterAll(() => rm(root, { recursive: true, force: true }));

/** Starts a process that writes, kills it so long after `line`, and returns what it said. */
async function killAfter(dataFolder: string, line: string, milliseconds: number): Promise<readonly string[]> {
  const flags = [...baselineWasm, '--disable-warning=ExperimentalWarning'];
  const child = spawn(process.execPath, [...flags, victim, dataFolder], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let [output, errors] = ['', ''];
  const reached = Promise.withResolvers<void>();
  child.stdout.on('data', (text) => {
    output += text;
    if (output.includes(`${line}\n`)) reached.resolve();
  });
  child.stderr.on('data', (text) => {
    errors += text;
  });
  child.once('close', () => reached.reject(new Error(`the process ended by itself: ${errors}`)));
  await reached.promise;
  await sleep(milliseconds);
  const closed = once(child, 'close');
  child.kill('SIGKILL');
  await closed;
  return output.split('\n').slice(0, -1);
}

test('a kill at any moment of the initialization leaves nothing that does not open', async () => {
  for (let round = 0; round < initializingRounds; round++) {
    const dataFolder = join(root, `initializing-${round}`);
    await killAfter(dataFolder, 'opening', Math.random() * 4000);
    await using tables = await openTables({ dataFolder });
    expect(await tables.kysely.selectFrom('requests').selectAll().execute()).toEqual([]);
    expect((await readdir(dataFolder)).filter((name) => name.includes('unfinished'))).toEqual([]);
    expect((await stat(join(dataFolder, 'database'))).mode & 0o077).toBe(0);
  }
}, 300_000);

test('a kill during heavy writing loses nothing that was committed and shows nothing that was not', async () => {
  const dataFolder = join(root, 'writing');
  await putEmptyDatabase(dataFolder);
  const committed: string[] = [];
  for (let round = 0; round < writingRounds; round++) {
    const lines = await killAfter(dataFolder, 'open', Math.random() * 1000);
    committed.push(...lines.filter((line) => line.startsWith('committed ')).map((line) => line.slice(10)));
    await using tables = await openTables({ dataFolder });
    const rows = await tables.kysely.selectFrom('settings').select('key').execute();
    const keys = new Set(rows.map(({ key }) => key));
    for (const id of committed) expect(keys.has(`${id}-a`) && keys.has(`${id}-b`)).toBe(true);
    // Both halves of a transaction, or neither; and the index agrees with the table.
    const halves = new Map<string, number>();
    for (const key of keys) halves.set(key.slice(0, -2), (halves.get(key.slice(0, -2)) ?? 0) + 1);
    expect([...halves.values()].every((count) => count === 2)).toBe(true);
    await sql`set enable_seqscan = off`.execute(tables.kysely);
    const { rows: indexed } = await sql<{ count: string }>`select count(*) from settings where key > ''`.execute(
      tables.kysely,
    );
    expect(Number(indexed[0]?.count)).toBe(keys.size);
  }
  expect(committed.length).toBeGreaterThan(10);
}, 300_000);
