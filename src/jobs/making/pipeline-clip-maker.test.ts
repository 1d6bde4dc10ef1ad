import { readFile } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { afterAll, assert, expect, onTestFinished, test, vi } from 'vitest';
import { startDatabases } from '../../../test/support/databases/databases.ts';
import { filePath } from '../../files/links/file-url.ts';
import { readConfiguration } from '../../shared/configuration.ts';
import { openJobs, submission, type TestJobs } from '../jobs.test-support.ts';
import { PipelineClipMaker } from './pipeline-clip-maker.ts';

const databases = await startDatabases();
afterAll(() => databases[Symbol.asyncDispose]());

const base = 'http://localhost/cdn';
const hello = new URL('../../../examples/hello.wav', import.meta.url);

const small = {
  prompt: 'A woman speaks to the camera',
  match_audio_length: false,
  num_frames: 9,
  video_size: { width: 64, height: 64 },
  fps: 24,
  seed: 3,
  loras: [{ path: '' }],
};

async function openMaker(jobs: TestJobs, dataFolder: string, device = 'cpu'): Promise<PipelineClipMaker> {
  const configuration = readConfiguration({ SOUNDSTAGE_DATA: dataFolder, SOUNDSTAGE_DEVICE: device });
  return await PipelineClipMaker.open({ configuration, files: jobs.files, logger: jobs.logger });
}

async function dataUri(): Promise<string> {
  return `data:audio/wav;base64,${(await readFile(hello)).toString('base64')}`;
}

test('makes a clip from an uploaded file, from fetching to the stored video, and says how it goes', async () => {
  const options = await databases.newDatabase('embedded');
  await using jobs = await openJobs(options);
  await using maker = await openMaker(jobs, options.dataFolder);
  const upload = { owner: 'local', name: 'hello.wav', contentType: 'audio/wav' };
  const file = await jobs.files.store(upload, Readable.from([await readFile(hello)]), 1e6);
  const { id } = await jobs.requests.submit(submission({}, { ...small, audio_url: `${base}${filePath(file)}` }));
  await jobs.worker(maker);
  expect(await jobs.completed(id)).toMatchObject({ statusCode: 200 });
  const outcome = await jobs.requests.outcome(id, base);
  expect(outcome).toMatchObject({
    units: 1,
    body: {
      seed: 3,
      video: { content_type: 'video/mp4', width: 64, height: 64, fps: 24, num_frames: 9, duration: 0.375 },
    },
  });
  const messages = (await jobs.requests.logs(id)).map(({ message }) => message);
  for (const line of ['fetching inputs', 'seed 3, nano on cpu', 'denoising 4/4', 'refining 1/1', 'encoding']) {
    expect(messages).toContain(line);
  }
  const kept = jobs.database.kysely.selectFrom('files').selectAll().where('request_id', '=', id);
  const { id: fileId } = await kept.executeTakeFirstOrThrow();
  expect(await jobs.files.find(fileId)).toMatchObject({ name: 'ltx-2-a2v-output.mp4', contentType: 'video/mp4' });
}, 120_000);

test('an engine that is killed is started anew and makes the clip that it would have made before, drawn seed included', async () => {
  const options = await databases.newDatabase('embedded');
  await using jobs = await openJobs(options);
  await using maker = await openMaker(jobs, options.dataFolder);
  const request = { ...small, audio_url: await dataUri() };
  const { id } = await jobs.requests.submit(submission({}, { ...request, seed: undefined }));
  await jobs.worker(maker);
  const messages = async (): Promise<string[]> => (await jobs.requests.logs(id)).map(({ message }) => message);
  const seeds = async (): Promise<string[]> => (await messages()).filter((message) => message.startsWith('seed '));
  // Before that it has nothing to do, and whether it is there makes no difference.
  await expect.poll(messages, { timeout: 60_000 }).toContain('listening to the recording');
  const killed = maker.enginePid;
  assert(killed !== undefined);
  process.kill(killed, 'SIGKILL');
  expect(await jobs.completed(id)).toMatchObject({ statusCode: 200 });
  expect(maker.enginePid).not.toBe(killed);
  expect(await messages()).toContain('the engine crashed');
  const outcome = await jobs.requests.outcome(id, base);
  const seed = (outcome?.body as { seed: number } | undefined)?.seed;
  expect(await seeds()).toEqual(new Array(2).fill(`seed ${seed}, nano on cpu`));
  const again = await jobs.requests.submit(submission({}, { ...request, seed }));
  await jobs.completed(again.id);
  expect(await jobs.fileOf(again.id)).toBe(await jobs.fileOf(id));
}, 180_000);

test.each([
  [
    'audio_url',
    { audio_url: `data:audio/wav;base64,${Buffer.from('no sound').toString('base64')}` },
    'unsupported_audio_format',
  ],
  ['audio_url', { audio_url: 'http://127.0.0.1:1/a.wav' }, 'file_download_error'],
  ['audio_url', { audio_url: 'file:///etc/passwd' }, 'file_download_error'],
  [
    'image_url',
    { image_url: `data:image/png;base64,${Buffer.from('no picture').toString('base64')}` },
    'image_load_error',
  ],
  ['loras', { loras: [{ path: `data:,no-weights` }] }, 'value_error'],
  ['prompt', { prompt: 'explicit porn scene, naked people having sex' }, 'content_policy_violation'],
])(
  "bad input at %s is the request's fault: %#",
  async (field, changes, type) => {
    const options = await databases.newDatabase('embedded');
    await using jobs = await openJobs(options);
    await using maker = await openMaker(jobs, options.dataFolder);
    const input = { ...small, audio_url: await dataUri(), ...changes };
    const { id } = await jobs.requests.submit(submission({}, input));
    await jobs.worker(maker);
    await jobs.completed(id);
    expect(await jobs.requests.outcome(id, base)).toMatchObject({
      statusCode: 422,
      units: 0,
      body: { detail: [{ loc: expect.arrayContaining(['body', field]), type }] },
    });
    expect(await jobs.fileOf(id)).toBeUndefined();
  },
  120_000,
);

test('where auto finds no GPU that works, the log of the request says why it is made on the CPU', async () => {
  vi.stubEnv('SOUNDSTAGE_CUDA_FOLDER', '/nonexistent');
  vi.stubEnv('LD_LIBRARY_PATH', '');
  onTestFinished(() => void vi.unstubAllEnvs());
  const options = await databases.newDatabase('embedded');
  await using jobs = await openJobs(options);
  await using maker = await openMaker(jobs, options.dataFolder, 'auto');
  const { id } = await jobs.requests.submit(submission({}, { ...small, audio_url: await dataUri() }));
  await jobs.worker(maker);
  expect(await jobs.completed(id)).toMatchObject({ statusCode: 200 });
  const messages = (await jobs.requests.logs(id)).map(({ message }) => message);
  expect(messages).toContain('seed 3, nano on cpu');
  expect(messages.find((message) => message.startsWith('cuda is not used: '))).toMatch(/CUDA/);
}, 120_000);
