import { existsSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { SeededRandom } from '../../eval/seeded-random.ts';
import type { Ledger, Victim } from './ledger.ts';
import type { ServerUnderTest } from './server-under-test.ts';
import type { SmallDisk } from './small-disk.ts';

export interface MischiefOptions {
  readonly server: ServerUnderTest;
  readonly ledger: Ledger;
  readonly seed: number;
  /** Absent: the disk is left alone. */
  readonly disk: SmallDisk | undefined;
}

/** Milliseconds until the next deed, whatever is made until then. */
const maxPeace = 60_000;
/** Milliseconds for a child to outlive its server. */
const lastMoments = 10_000;
/** Milliseconds the disk is full, and those after which nothing of it should be noticed any more. */
const fullFor = 6000;
const recoversIn = 20_000;

/** Kills processes and fills the disk, now and then, until the signal. */
export async function makeMischief(options: MischiefOptions, signal: AbortSignal): Promise<void> {
  const { server, ledger, disk, seed } = options;
  const random = new SeededRandom(seed + 1);
  const deeds: readonly (() => Promise<void>)[] = [
    () => killChild(options, 'engine'),
    () => killChild(options, 'engine'),
    () => killChild(options, 'decode'),
    () => killChild(options, 'encode'),
    () => killChild(options, 'safety'),
    () => killServer(options),
    () => restartServer(options),
    ...(disk === undefined ? [] : [() => fillDisk(disk, ledger)]),
  ];
  while (!signal.aborted) {
    const before = made(ledger);
    await pause(random.between(4000, 20_000), signal);
    // On a slow machine no clip would ever be finished otherwise.
    for (const end = performance.now() + maxPeace; made(ledger) === before; await pause(1000, signal)) {
      if (signal.aborted || performance.now() > end) break;
    }
    if (!signal.aborted && server.life !== undefined) await random.pick(deeds)();
  }
}

function made({ counts }: Ledger): number {
  return counts.get('ended with 200') ?? 0;
}

async function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  await wait(milliseconds, undefined, { signal }).catch(() => {});
}

/** Those that live for a moment only are waited for. */
async function killChild({ server, ledger }: MischiefOptions, wanted: Victim): Promise<void> {
  for (const end = performance.now() + 5000; performance.now() < end; await wait(10)) {
    const child = (await server.processes()).find(({ kind }) => kind === wanted);
    if (child === undefined) continue;
    ledger.killed(wanted);
    process.kill(child.pid, 'SIGKILL');
    return;
  }
}

async function killServer({ server, ledger }: MischiefOptions): Promise<void> {
  const before = await server.processes();
  ledger.killed('server');
  const killedAt = performance.now();
  await server.restart('SIGKILL');
  const isLeft = (): boolean => before.some(({ pid }) => existsSync(`/proc/${pid}`));
  while (isLeft() && performance.now() - killedAt < lastMoments) await wait(100);
  if (isLeft()) ledger.violation('a child outlives its server');
}

async function restartServer({ server, ledger }: MischiefOptions): Promise<void> {
  ledger.killed('server');
  await server.restart('SIGTERM');
  ledger.count('of these, graceful ends of server');
}

async function fillDisk(disk: SmallDisk, ledger: Ledger): Promise<void> {
  ledger.isMachineInTrouble = true;
  ledger.count('full disks');
  try {
    await disk.fill();
    await wait(fullFor);
  } finally {
    await disk.free();
  }
  await wait(recoversIn);
  ledger.isMachineInTrouble = false;
}
