// Callers of every kind, and trouble of every kind, for as long as you like: does the server keep what it promises?
// Usage: npm run soak -- [--minutes 30] [--seed 1] [--no-disk]
import { mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { Command, InvalidArgumentError } from 'commander';
import sharp from 'sharp';
import { ProgressLine } from '../../eval/progress-line.ts';
import { reporting } from '../../src/cli/reporting.ts';
import { textTable } from '../../src/cli/text-table.ts';
import { unfinished } from '../robustness/support/unfinished.ts';
import { writeToneWav } from '../support/media/sound-files.ts';
import { freePort } from '../support/programs/spawned.ts';
import { Callers } from './callers.ts';
import { type HealthFigures, HealthProbe } from './health-probe.ts';
import { Ledger } from './ledger.ts';
import { checkLeftBehind } from './left-behind.ts';
import { growsBeyond, MemoryWatch } from './memory-watch.ts';
import { makeMischief } from './mischief.ts';
import { OutsideWorld } from './outside-world.ts';
import { ServerUnderTest } from './server-under-test.ts';
import { SmallDisk } from './small-disk.ts';

interface Flags {
  readonly minutes: number;
  readonly seed: number;
  readonly disk: boolean;
  readonly mischief: boolean;
  readonly memoryBar: number;
  readonly healthBar: number;
}

/** The rest of the time nothing is killed, and memory and delays are measured. */
const shareOfMischief = 0.55;
/** Milliseconds after the last call in which everything has to be over, and every webhook accepted. */
const timeToFinish = 300_000;

const program = new Command('soak')
  .description(
    'puts a real server under random load and random trouble, and checks all the time that it keeps its promises',
  )
  .option('--minutes <count>', 'for so long; ending it takes some more', positive, 30)
  .option(
    '--seed <number>',
    'repeats the same choices, if not their timing',
    positive,
    Math.floor(1e6 * Math.random()) + 1,
  )
  .option('--no-disk', 'leave the disk alone; otherwise a small one is filled now and then, where root may mount one')
  .option('--no-mischief', 'neither kill anything nor fill the disk: more time to measure memory')
  .option('--memory-bar <MiB>', 'what a process may grow by in 1,000 clips', positive, 50)
  .option('--health-bar <ms>', 'what 99 of 100 calls of /health have to be answered in', positive, 1000)
  .action((flags: Flags) => reporting(process.stderr, (signal) => soak(flags, signal)));

await program.parseAsync();

function positive(text: string): number {
  const value = Number(text);
  if (value > 0) return value;
  throw new InvalidArgumentError('must be a number above 0');
}

async function soak(flags: Flags, interrupted: AbortSignal): Promise<void> {
  const { minutes, seed } = flags;
  process.stdout.write(`seed ${seed}, ${minutes} minutes\n`);
  await using opened = new AsyncDisposableStack();
  const root = await mkdtemp(join(tmpdir(), 'soundstage-soak-'));
  opened.defer(() => rm(root, { recursive: true, force: true }));
  const ledger = new Ledger((violation) => process.stdout.write(`broken: ${new Date().toISOString()} ${violation}\n`));
  const disk = flags.disk && flags.mischief ? await SmallDisk.mount(join(root, 'disk')) : undefined;
  if (disk === undefined)
    process.stdout.write('the disk is not filled: it is to be left alone, or none may be mounted\n');
  else opened.use(disk);
  const [dataFolder, temporaryFolder] = [join(root, 'disk', 'data'), join(root, 'temporary')];
  await mkdir(temporaryFolder);
  await writeToneWav(join(root, 'sound.wav'), 0.5);
  const sound = await readFile(join(root, 'sound.wav'));
  const picture = await sharp({ create: { width: 64, height: 64, channels: 3, background: '#842' } })
    .png()
    .toBuffer();
  const outside = opened.use(await OutsideWorld.open(sound));
  const environment = {
    SOUNDSTAGE_DATA: dataFolder,
    SOUNDSTAGE_ALLOW_PRIVATE_HOSTS: '127.0.0.1,localhost',
    SOUNDSTAGE_MAX_INPUT_BYTES: String(2 ** 20),
    SOUNDSTAGE_FETCH_TIMEOUT: '5',
    TMPDIR: temporaryFolder,
  };
  const server = opened.use(await ServerUnderTest.start(await freePort(), environment, ledger));
  const scene: Scene = { server, outside, ledger, seed, disk, sound, picture };

  const measured = await underLoad(scene, flags, interrupted);
  await finish(scene);
  await server.stop();
  await checkLeftBehind(dataFolder, ledger);
  for (const name of await readdir(temporaryFolder)) ledger.violation(`${name} is left in the temporary folder`);
  report(ledger, measured, flags);
  if (ledger.violations > 0) process.exitCode = 1;
}

interface Scene {
  readonly server: ServerUnderTest;
  readonly outside: OutsideWorld;
  readonly ledger: Ledger;
  readonly seed: number;
  readonly disk: SmallDisk | undefined;
  readonly sound: Buffer;
  readonly picture: Buffer;
}

interface Measured {
  readonly memory: MemoryWatch;
  readonly health: HealthFigures;
}

/** First with mischief, then without: only there memory and delays say something. */
async function underLoad(scene: Scene, flags: Flags, interrupted: AbortSignal): Promise<Measured> {
  const { server, ledger } = scene;
  const milliseconds = Math.round(60_000 * flags.minutes);
  const end = AbortSignal.any([AbortSignal.timeout(milliseconds), interrupted]);
  const mischiefEnd = AbortSignal.any([
    AbortSignal.timeout(flags.mischief ? Math.round(shareOfMischief * milliseconds) : 0),
    interrupted,
  ]);
  using line = new ProgressLine(process.stderr);
  const callers = new Callers(scene);
  const calling = callers.run();
  await using health = new HealthProbe(server);
  let mischief = true;
  const trouble = makeMischief(scene, mischiefEnd).then(() => {
    mischief = false;
    health.reset();
  });
  const memory = new MemoryWatch();
  for (const began = performance.now(); !end.aborted; await wait(1000)) {
    const processes = await server.processes();
    if (!mischief) await memory.sample(processes, ledger.counts.get('ended with 200') ?? 0);
    line.show(
      `${((performance.now() - began) / 60_000).toFixed(1)} min${mischief ? ' with mischief' : ''}: ${summary(ledger)}`,
    );
  }
  const figures = health.figures;
  callers.stop();
  await Promise.all([calling, trouble]);
  return { memory, health: figures };
}

/** Everything that was accepted is over soon, and every webhook that can be is accepted. */
async function finish(scene: Scene): Promise<void> {
  const { server, outside, ledger } = scene;
  const callers = new Callers(scene);
  const { deliveries } = outside.webhooks;
  const missing = (): readonly string[] => ledger.awaited.filter((id) => deliveries.get(id)?.accepted !== true);
  for (const end = performance.now() + timeToFinish; performance.now() < end; await wait(1000)) {
    await callers.lookAtUnfinished();
    if (server.life === undefined || ledger.unfinished.length + missing().length > 0) continue;
    if ((await unfinished(server.url)) === 0) break;
  }
  for (const id of ledger.unfinished) ledger.violation(`request ${id} does not end`);
  for (const id of missing()) ledger.violation(`the webhook of ${id} was not delivered`);
  for (const [id, { bodies }] of deliveries) {
    if (bodies.size > 1 && ledger.isKept(id))
      ledger.violation(`the webhooks of ${id} have ${bodies.size} different bodies`);
  }
}

function report(ledger: Ledger, { memory, health }: Measured, { memoryBar, healthBar }: Flags): void {
  const { p50, p99, most, own } = health;
  const growths = memory.growths();
  for (const growth of growths) {
    if (!growsBeyond(memoryBar, growth)) continue;
    ledger.violation(`${growth.kind} grows by ${growth.perThousandClips.toFixed(0)} MiB in 1,000 clips`);
  }
  if (p99 > healthBar) ledger.violation(`/health took ${p99.toFixed(0)} ms at the 99th percentile`);
  const rows = growths.map(({ kind, clips, before, after, perThousandClips }) => [
    kind,
    ...[clips, before, after, memory.peaks.get(kind.split(' ')[0] ?? '') ?? 0, perThousandClips].map((value) =>
      value.toFixed(0),
    ),
  ]);
  const heading = ['process', 'clips', 'MiB at first', 'MiB at last', 'MiB at most', 'MiB in 1,000 clips'];
  const counts = [...ledger.counts].sort().map(([what, count]) => [what, String(count)]);
  process.stdout.write(`
${textTable([['what happened', 'times'], ...counts])}
${textTable([heading, ...rows])}
/health: ${p50.toFixed(0)} ms (median), ${p99.toFixed(0)} ms (p99), ${most.toFixed(0)} ms (most); the delay of the soak itself: ${own.toFixed(0)} ms (p99)
${ledger.violations === 0 ? 'Every promise was kept.' : `${ledger.violations} promises were broken, as reported above.`}
`);
}

function summary({ counts, unfinished: open, violations }: Ledger): string {
  const made = counts.get('ended with 200') ?? 0;
  const accepted = counts.get('accepted') ?? 0;
  return `${accepted} accepted, ${made} made, ${open.length} not over, ${violations} promises broken`;
}
