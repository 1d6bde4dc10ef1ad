import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { startPostgres } from './support/databases/postgres.ts';
import { writeToneWav } from './support/media/sound-files.ts';
import { copyCheckpoint } from './support/parity-checkpoint.ts';
import { soundstage, startSoundstageWith } from './support/programs/command.ts';
import { startTestServer, type TestServer } from './support/server.ts';

let folder: string;
let server: TestServer;
let audioUrl: string;
const at = (name: string): string => join(folder, name);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'soundstage-film-server-'));
  await writeToneWav(at('song.wav'), 1.6, 22_050);
  await copyCheckpoint(at('weights'));
  audioUrl = `data:audio/wav;base64,${(await readFile(at('song.wav'))).toString('base64')}`;
  server = await startTestServer({ maker: 'pipeline', settings: { SOUNDSTAGE_MODEL: at('weights') } });
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
});

const asked = {
  prompt: '0:00 a dog; 0:00.8 + a cat',
  seed: 7,
  cut: 'every',
  part_seconds: 0.8,
  video_size: { width: 100, height: 70 },
  enable_safety_checker: false,
};

interface Submitted {
  readonly request_id: string;
  readonly status_url: string;
  readonly response_url: string;
  readonly cancel_url: string;
}

async function submitted(body: unknown, url = server.url): Promise<Submitted> {
  const headers = { 'content-type': 'application/json' };
  const reply = await fetch(`${url}/film`, { method: 'POST', headers, body: JSON.stringify(body) });
  expect(reply.status).toBe(200);
  return (await reply.json()) as Submitted;
}

/** What a film has become. */
async function finished({ status_url: url, response_url: result }: Submitted) {
  await expect
    .poll(async () => ((await (await fetch(url)).json()) as { readonly status: string }).status, { timeout: 60_000 })
    .toBe('COMPLETED');
  const reply = await fetch(result);
  return { status: reply.status, body: JSON.parse(await reply.text()) };
}

test('a film of the server has the bytes of one of the command, and one part of it is made again', async () => {
  const first = await submitted({ ...asked, audio_url: audioUrl });
  const { status, body } = await finished(first);
  expect({ status, body }).toMatchObject({
    status: 200,
    body: {
      seed: 7,
      prompt: '0:00 a dog; 0:00.8 + a cat',
      video: { width: 100, height: 70, num_frames: 40, duration: 1.6, content_type: 'video/mp4' },
      parts: [
        { start: 0, end: 20, prompt: 'a dog', continues: false },
        { start: 20, end: 40, prompt: 'a cat', continues: true },
      ],
    },
  });
  const { code } = await soundstage(
    ...['film', '--audio', at('song.wav'), '--prompt', asked.prompt, '--seed', '7', '--cut', 'every'],
    ...['--part-seconds', '0.8', '--video-size', '100x70', '--no-enable-safety-checker', '--quiet'],
    ...['--model', at('weights'), '--device', 'cpu', '-o', at('local.mp4')],
  );
  expect(code).toBe(0);
  const bytes = Buffer.from(await (await fetch(body.video.url)).arrayBuffer());
  expect(bytes.equals(await readFile(at('local.mp4')))).toBe(true);

  const again = await finished(await submitted({ resume: first.request_id, redo: [{ part: 2, seed: 9 }] }));
  expect(again.body.parts).toMatchObject([{ seed: 7 }, { seed: 9 }]);
  const usage = await (await fetch(`${server.url}/v1/models/usage?expand=summary`)).json();
  expect(usage).toMatchObject({ summary: [{ endpoint_id: 'soundstage/film', quantity: 3 }] });
});

const postgres = await startPostgres();
afterAll(() => postgres?.[Symbol.asyncDispose]());

test.skipIf(postgres === undefined)(
  'two workers share the scenes of a film, and one of them that is killed loses no more than it was making',
  { timeout: 120_000 },
  async () => {
    const scenes = { ...asked, prompt: '0:00 a dog; 0:00.4 a cat; 0:00.8 a cow; 0:01.2 + a hen', part_seconds: 0.4 };
    const whole = await finished(await submitted({ ...scenes, audio_url: audioUrl }));
    const settings = {
      SOUNDSTAGE_DATA: at('shared'),
      SOUNDSTAGE_MODEL: at('weights'),
      SOUNDSTAGE_DEVICE: 'cpu',
      DATABASE_URL: (await postgres?.newDatabase()) ?? '',
    } as const;
    await using front = await startTestServer({ dataFolder: at('shared'), settings });
    const workers = [0, 1].map(() => startSoundstageWith(settings, 'worker'));
    onTestFinished(() => void workers.map((worker) => worker.kill('SIGKILL')));
    const film = await submitted({ ...scenes, audio_url: audioUrl }, front.url);
    const logs = async (): Promise<string> => JSON.stringify(await (await fetch(`${film.status_url}?logs=1`)).json());
    const step = async (): Promise<number> => {
      const shown = await (await fetch(`${film.response_url}/progress`)).json();
      return (shown as { readonly progress?: { readonly step: number } | null }).progress?.step ?? 0;
    };
    await expect.poll(step, { timeout: 60_000, interval: 50 }).toBeGreaterThan(0);
    workers[0]?.kill('SIGKILL');
    const { status, body } = await finished(film);
    expect(status).toBe(200);
    expect(await logs()).toContain('4 parts, 0 of them are there');
    const [one, other] = await Promise.all(
      [whole.body, body].map(async ({ video }) => Buffer.from(await (await fetch(video.url)).arrayBuffer())),
    );
    expect(other?.equals(one ?? Buffer.of())).toBe(true);
  },
);

test('a film can be seen before it is whole, and what is made of one that was cancelled is not made again', async () => {
  const film = await submitted({ ...asked, audio_url: audioUrl, seed: 11 });
  const step = async (): Promise<number> => {
    const shown = await (await fetch(`${film.response_url}/progress`)).json();
    return (shown as { readonly progress?: { readonly step: number } | null }).progress?.step ?? 0;
  };
  await expect.poll(step, { timeout: 60_000, interval: 50 }).toBe(1);
  const soFar = await finished(await submitted({ resume: film.request_id, so_far: true }));
  expect(soFar).toMatchObject({ status: 200, body: { video: { num_frames: 20 }, parts: [{ end: 20 }] } });
  await fetch(film.cancel_url, { method: 'PUT' });
  const whole = await finished(await submitted({ resume: film.request_id }));
  expect(whole).toMatchObject({ status: 200, body: { video: { num_frames: 40 } } });
});

test('what is wrong with a film is said at its field', async () => {
  const refused = async (body: unknown) => (await finished(await submitted(body))).body.detail[0];
  expect(await refused({ ...asked, audio_url: audioUrl, prompt: '0:00 a dog; 0:30 a cat' })).toMatchObject({
    loc: ['body', 'prompt'],
    msg: 'a prompt begins at 0:30, but the recording ends at 0:01.6: leave it out, or move it',
  });
  expect(await refused(asked)).toMatchObject({ loc: ['body', 'audio_url'] });
  expect(await refused({ resume: '01a2280e-b528-70dd-a201-f7ec80f25d57' })).toMatchObject({
    loc: ['body', 'resume'],
    msg: 'there is no film 01a2280e-b528-70dd-a201-f7ec80f25d57 of yours to go on with',
  });
  expect(await refused({ ...asked, audio_url: audioUrl, cut: 'somewhere' })).toMatchObject({ loc: ['body', 'cut'] });
});

test('a film has its own documents, and is not among the endpoints that the platform has too', async () => {
  const json = async (path: string) => await (await fetch(`${server.url}${path}`)).json();
  const document = await json('/api/openapi/queue/openapi.json?endpoint_id=soundstage/film');
  expect(Object.keys((document as { readonly paths: object }).paths)).toContain('/soundstage/film');
  expect(JSON.stringify(await json('/v1/models'))).not.toContain('soundstage/film');
  expect(JSON.stringify(await json('/v1/models?endpoint_id=soundstage/film'))).toContain('soundstage/film');
  const text = await (await fetch(`${server.url}/models/soundstage/film/llms.txt`)).text();
  expect(text).toContain('`anchor_url`');
  // Nobody is sent to the platform, which makes no films.
  expect(text).toContain(`--url ${server.url}/run/soundstage/film`);
  const entry = JSON.stringify(await json('/v1/models?endpoint_id=soundstage/film&expand=openapi-3.0'));
  for (const told of [text, JSON.stringify(document), entry]) expect(told).not.toMatch(/fal\.(?:ai|run)/);
  const page = await fetch(`${server.url}/models/soundstage/film/api`);
  expect(page.url).toMatch(/\/models\/soundstage\/film\/api$/);
  expect(page.status).toBe(200);
  expect((await fetch(`${server.url}/film`)).status).toBe(405);
});
