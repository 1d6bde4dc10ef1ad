// The server under load with an engine that costs nothing: submissions and statuses per second, each next to a bare
// route on the same libraries that takes and gives JSON of the same size, measured in turn in one run. Then how long
// others wait while large bodies arrive.
// Usage: node bench/server.ts [seconds of each measurement]

import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { get } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { elementAt } from '../src/shared/element-at.ts';
import { startPostgres } from '../test/support/databases/postgres.ts';
import { Spawned } from '../test/support/programs/spawned.ts';
import { type Load, type LoadFigures, measureLoad } from './server/server-load.ts';
import { median } from './stopwatch.ts';

const id = 'fal-ai/ltx-2-19b/distilled/audio-to-video/lora';
const app = 'fal-ai/ltx-2-19b';
const input = {
  prompt: 'A woman speaks to the camera in a quiet room',
  audio_url: 'https://example.com/a.wav',
  loras: [{ path: 'owner/repo' }],
};
const body = JSON.stringify(input);
const connections = 50;
const streams = 500;
const rounds = 3;
const seconds = Number(process.argv[2] ?? 5);
const largeBodies = { count: 10, bytes: 60e6 };

const folder = await mkdtemp(join(tmpdir(), 'soundstage-bench-'));
const postgres = await startPostgres();
try {
  process.stdout.write('| | requests/s | p50 ms | p99 ms | bare Hono | share |\n|---|---|---|---|---|---|\n');
  await measureServer('embedded', {});
  if (postgres !== undefined) await measureServer('PostgreSQL', { DATABASE_URL: await postgres.newDatabase() });
  await measureHealth();
} finally {
  await postgres?.[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
}

async function measureServer(name: string, location: Readonly<Record<string, string>>): Promise<void> {
  const dataFolder = await mkdtemp(join(folder, 'data-'));
  const environment = { SOUNDSTAGE_DATA: dataFolder, SOUNDSTAGE_PORT: '0', CLIP_MILLISECONDS: '1000', ...location };
  await using server = new Spawned({ program: 'server', environment });
  const url = await server.ready();
  const accepted = await Promise.all(Array.from({ length: connections }, () => submit(url)));
  const first = elementAt(accepted, 0);
  const status = await (await fetch(`${url}${statusPath(first)}`)).text();
  const asking = { url, connections, seconds };
  const paths = accepted.map((reply) => statusPath(reply));
  await compare(`status, ${name}`, { ...asking, paths, method: 'GET' }, status.length);
  const submitting = { ...asking, paths: [`/queue/${id}`], method: 'POST', body } as const;
  await compare(`submit, ${name}`, submitting, first.length);
  const open = await Promise.all(Array.from({ length: streams }, () => openStream(url)));
  await compare(`submit with ${streams} open status streams, ${name}`, submitting, first.length);
  for (const stream of open) if (stream.close() < 1) throw new Error('a status stream has said nothing');
}

/** The whole reply. */
async function submit(url: string): Promise<string> {
  return await (await fetch(`${url}/queue/${id}`, { method: 'POST', body })).text();
}

function statusPath(accepted: string): string {
  const { request_id: request }: { request_id: string } = JSON.parse(accepted);
  return `/queue/${app}/requests/${request}/status`;
}

async function compare(name: string, load: Load, replyLength: number): Promise<void> {
  await using bare = new Spawned({ program: 'bare', parameters: [String(replyLength)], environment: {} });
  const bareUrl = await bare.ready();
  const figures: { own: LoadFigures; bare: LoadFigures }[] = [];
  for (let round = 0; round < rounds; round++) {
    const least = await measureLoad({ ...load, url: bareUrl });
    figures.push({ own: await measureLoad(load), bare: least });
  }
  const own = (of: (each: LoadFigures) => number): number => median(figures.map((each) => of(each.own)));
  const share = median(figures.map((each) => each.own.perSecond / each.bare.perSecond));
  const columns = [
    name,
    own(({ perSecond }) => perSecond).toFixed(0),
    own(({ p50 }) => p50).toFixed(0),
    own(({ p99 }) => p99).toFixed(0),
    median(figures.map((each) => each.bare.perSecond)).toFixed(0),
    `${(100 * share).toFixed(0)} %`,
  ];
  process.stdout.write(`| ${columns.join(' | ')} |\n`);
}

/** `/health` while nothing else happens, and while large bodies arrive from another process. */
async function measureHealth(): Promise<void> {
  const environment = { SOUNDSTAGE_DATA: await mkdtemp(join(folder, 'data-')), SOUNDSTAGE_PORT: '0' };
  await using server = new Spawned({ program: 'server', environment });
  const url = await server.ready();
  const idle = await waitsFor(url, wait(1000 * seconds));
  const program = fileURLToPath(new URL('./server/large-bodies-process.ts', import.meta.url));
  const { count, bytes } = largeBodies;
  const sent = promisify(execFile)(process.execPath, [program, `${url}/queue/${id}`, String(count), String(bytes)]);
  const busy = await waitsFor(url, sent);
  process.stdout.write('\n| `/health` | asked | p50 ms | p99 ms | at most ms |\n|---|---|---|---|---|\n');
  process.stdout.write(`| nothing else | ${idle} |\n`);
  process.stdout.write(`| ${count} bodies of ${bytes / 1e6} MB arrive | ${busy} |\n`);
}

/** How long `/health` takes until `work` is done. */
async function waitsFor(url: string, work: Promise<unknown>): Promise<string> {
  let isDone = false;
  const done = work.finally(() => {
    isDone = true;
  });
  const waits: number[] = [];
  while (!isDone) {
    const asked = performance.now();
    await (await fetch(`${url}/health`)).text();
    waits.push(performance.now() - asked);
    await wait(5);
  }
  await done;
  const sorted = waits.toSorted((a, b) => a - b);
  const at = (share: number): string => elementAt(sorted, Math.ceil(share * sorted.length) - 1).toFixed(0);
  return `${waits.length} | ${at(0.5)} | ${at(0.99)} | ${at(1)}`;
}

interface OpenStream {
  /** Returns how many events have come. */
  close(): number;
}

/** Submits a request and follows it; resolves when something is told of it for the first time. */
async function openStream(url: string): Promise<OpenStream> {
  const path = `${statusPath(await submit(url))}/stream`;
  return await new Promise((resolve, reject) => {
    let events = 0;
    const asked = get(`${url}${path}`, (response) => {
      response.setEncoding('utf8').on('data', (text: string) => {
        events += text.split('data: ').length - 1;
        const close = (): number => {
          response.destroy();
          return events;
        };
        resolve({ close });
      });
      response.on('error', () => {});
    });
    asked.on('error', reject);
  });
}
