import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { baselineWasm } from '../support/databases/baseline-wasm.ts';
import { putEmptyDatabase } from '../support/databases/databases.ts';
import { writeToneWav } from '../support/media/sound-files.ts';
import { freePort, Spawned } from '../support/programs/spawned.ts';
import { app, endpointId } from './support/endpoint.ts';
import { eventually } from './support/eventually.ts';
import { expectSound } from './support/installation.ts';

let root: string;
let body: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'soundstage-engine-kill-'));
  await writeToneWav(join(root, 'tone.wav'), 0.5);
  const tone = await readFile(join(root, 'tone.wav'), 'base64');
  body = JSON.stringify({
    prompt: 'A woman speaks to the camera',
    audio_url: `data:audio/wav;base64,${tone}`,
    loras: [],
    video_size: { width: 64, height: 64 },
    num_frames: 9,
    match_audio_length: false,
    enable_prompt_expansion: false,
    enable_safety_checker: false,
    video_write_mode: 'fast',
  });
});
afterAll(() => rm(root, { recursive: true, force: true }));

interface Status {
  readonly status: string;
  readonly logs: readonly { readonly message: string }[];
}

class Caller {
  readonly url: string;
  readonly accepted: string[] = [];

  constructor(url: string) {
    this.url = url;
  }

  async submit(): Promise<string> {
    const response = await fetch(`${this.url}/queue/${endpointId}`, { method: 'POST', body });
    expect(response.status).toBe(200);
    const { request_id: id } = (await response.json()) as { request_id: string };
    this.accepted.push(id);
    return id;
  }

  async status(id: string): Promise<Status> {
    const response = await fetch(`${this.url}/queue/${app}/requests/${id}/status?logs=1`);
    return (await response.json()) as Status;
  }

  /** Waits until the engine has the request. */
  async underWay(id: string): Promise<void> {
    const isUnderWay = async () => (await this.status(id)).logs.some(({ message }) => message.startsWith('seed '));
    await eventually(60_000, isUnderWay, () => this.status(id));
    await wait(1000);
  }

  async done(id: string): Promise<string> {
    await eventually(
      120_000,
      async () => (await this.status(id)).status === 'COMPLETED',
      () => this.status(id),
    );
    const response = await fetch(`${this.url}/queue/${app}/requests/${id}`);
    expect([response.status, await response.json()]).toMatchObject([200, { video: { width: 64, num_frames: 9 } }]);
    return (await this.status(id)).logs.map(({ message }) => message).join('; ');
  }
}

async function childOf(pid: number | undefined, program: string): Promise<number> {
  const children = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8');
  for (const child of children.split(' ').filter((text) => text !== '')) {
    if ((await readFile(`/proc/${child}/cmdline`, 'utf8')).includes(program)) return Number(child);
  }
  throw new Error(`process ${pid} has no child ${program}`);
}

test.skipIf(process.platform !== 'linux')(
  'the real engine, and the server, killed within a clip',
  async () => {
    const dataFolder = join(root, 'data');
    await mkdir(dataFolder);
    await putEmptyDatabase(dataFolder);
    const port = await freePort();
    const environment = { SOUNDSTAGE_DATA: dataFolder, SOUNDSTAGE_PORT: String(port), SOUNDSTAGE_DEVICE: 'cpu' };
    const parameters = ['serve', '--log-level', 'error'];
    const start = (): Spawned => new Spawned({ program: 'soundstage', parameters, flags: baselineWasm, environment });
    const caller = new Caller(`http://127.0.0.1:${port}`);
    await using first = start();
    await first.ready();
    await caller.done(await caller.submit());

    // Stopped, so that the clip is certainly not over when it is killed.
    const engine = await childOf(first.process.pid, 'engine-process');
    process.kill(engine, 'SIGSTOP');
    const crashed = await caller.submit();
    await caller.underWay(crashed);
    process.kill(engine, 'SIGKILL');
    expect(await caller.done(crashed)).toContain('the engine crashed');

    const other = await childOf(first.process.pid, 'engine-process');
    process.kill(other, 'SIGSTOP');
    const interrupted = await caller.submit();
    const waiting = await caller.submit();
    await caller.underWay(interrupted);
    await first.kill('SIGKILL');
    process.kill(other, 'SIGCONT');
    await eventually(
      20_000,
      () => !existsSync(`/proc/${other}`),
      () => 'the engine outlives its server',
    );

    await using second = start();
    await second.ready();
    expect(await caller.done(interrupted)).toContain('the worker stopped');
    await caller.done(waiting);
    expect(second.errors).toBe('');
    await second[Symbol.asyncDispose]();
    await expectSound({ dataFolder }, caller.accepted);
  },
  600_000,
);
