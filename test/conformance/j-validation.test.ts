import { afterAll, beforeAll, expect, test } from 'vitest';
import { serveHttp, type TestServer } from '../../src/fetching/http/file-server.test-support.ts';
import { recording, smallClip } from '../support/endpoint.ts';
import type { Reply } from './stage/calls.ts';
import { app, id, minimal, plainId, plainMinimal } from './stage/names.ts';
import { onEachDatabase } from './stage/stage.ts';

const sound = await recording();

await onEachDatabase('J. Validation', {}, (stage) => {
  /** The one problem of an input. */
  const problemOf = async (changes: object) => {
    const { status, body } = await stage.run({ ...minimal, ...changes });
    expect([changes, status]).toEqual([changes, 422]);
    expect(body.detail).toHaveLength(1);
    return body.detail[0];
  };

  const accepts = async (changes: object): Promise<void> => {
    const { status } = await stage.run({ ...minimal, ...changes });
    expect([changes, status]).toEqual([changes, 200]);
  };

  test('131 without loras', async () => {
    const { status, body } = await stage.run({ prompt: 'A dog', audio_url: 'https://example.com/a.wav' });
    expect(status).toBe(422);
    expect(body.detail).toEqual([
      {
        loc: ['body', 'loras'],
        msg: 'Field required',
        type: 'missing',
        url: expect.any(String),
        input: { prompt: 'A dog', audio_url: 'https://example.com/a.wav' },
      },
    ]);
  });

  test('132 without any of the three', async () => {
    const { status, body } = await stage.run({});
    expect(status).toBe(422);
    expect(body.detail.map(({ loc, type }: { loc: unknown; type: unknown }) => [loc, type])).toEqual([
      [['body', 'prompt'], 'missing'],
      [['body', 'audio_url'], 'missing'],
      [['body', 'loras'], 'missing'],
    ]);
  });

  test('132 without any of the two, where there are no LoRAs', async () => {
    const { status, body } = await stage.run({ loras: 'some' }, {}, plainId);
    expect(status).toBe(422);
    expect(body.detail.map(({ loc, type }: { loc: unknown; type: unknown }) => [loc, type])).toEqual([
      [['body', 'prompt'], 'missing'],
      [['body', 'audio_url'], 'missing'],
    ]);
  });

  test('unknown fields are ignored, and LoRAs are one where there are none', async () => {
    const unknown = { lora: [{ path: 'a/b' }], nested: { loras: [] } };
    for (const fields of [unknown, { loras: [{ path: 'a/b', scale: 9 }] }, { loras: null }, { loras: 'some' }]) {
      const { status, body } = await stage.run({ ...plainMinimal, ...fields }, {}, plainId);
      expect([fields, status, body.prompt]).toEqual([fields, 200, plainMinimal.prompt]);
    }
    await accepts(unknown);
  });

  test('133 too few and too many frames', async () => {
    expect(await problemOf({ num_frames: 8 })).toMatchObject({
      loc: ['body', 'num_frames'],
      type: 'greater_than_equal',
      ctx: { ge: 9 },
      input: 8,
    });
    expect(await problemOf({ num_frames: 482 })).toMatchObject({ type: 'less_than_equal', ctx: { le: 481 } });
    for (const frames of [9, 481]) await accepts({ num_frames: frames });
  });

  test('134 frames per second', async () => {
    expect(await problemOf({ fps: 0.5 })).toMatchObject({ loc: ['body', 'fps'], type: 'greater_than_equal' });
    expect(await problemOf({ fps: 61 })).toMatchObject({ loc: ['body', 'fps'], type: 'less_than_equal' });
    for (const fps of [1, 23.976, 60]) await accepts({ fps });
  });

  test('135 an unknown choice names the allowed ones', async () => {
    const allowed = ['none', 'regular', 'high', 'full'];
    const problem = await problemOf({ acceleration: 'turbo' });
    expect(problem).toMatchObject({ loc: ['body', 'acceleration'], type: 'one_of', ctx: { expected: allowed } });
    for (const name of allowed) expect(problem.msg).toContain(name);
  });

  test('136 a LoRA beyond its range', async () => {
    const problem = await problemOf({ loras: [{ path: 'a/b', scale: 4.1 }] });
    expect(problem).toMatchObject({
      loc: ['body', 'loras', 0, 'scale'],
      type: 'less_than_equal',
      ctx: { le: 4 },
      input: 4.1,
    });
  });

  test('137 a LoRA without a weight name', async () => {
    await accepts({ loras: [{ path: '', weight_name: null }] });
  });

  test('138 a size that is none', async () => {
    for (const width of [0, 14143, -1]) {
      const problem = await problemOf({ video_size: { width, height: 512 } });
      expect(problem).toMatchObject({ loc: ['body', 'video_size', 'width'], input: width });
    }
    await accepts({ video_size: { width: 512, height: 512 } });
  });

  test('139 null stands for absent', async () => {
    await accepts({ image_url: null, end_image_url: null, seed: null });
  });

  test('145 a path that is none', async () => {
    for (const path of [
      '/no/such/path',
      '/distilled',
      '/distilled/audio-to-video/no',
      '/distilled/audio-to-video/lora/no',
    ]) {
      const { status, headers, body } = await stage.call(`/run/${app}${path}`, { body: minimal });
      expect([status, body]).toEqual([404, { detail: `Path ${path} not found` }]);
      expect(headers.get('x-fal-billable-units')).toBe('0');
    }
  });

  test('146 malformed JSON', async () => {
    const bodies = ['{', '', 'null', '[]', '"text"', '{"prompt":', Buffer.from([0x7b, 0xff, 0x7d])];
    for (const path of [`/run/${id}`, `/queue/${id}`, '/rest/storage/upload/initiate', '/rest/tokens/']) {
      for (const body of bodies) {
        const reply = await stage.call(path, { method: 'POST', body });
        // The queue takes any JSON, and tells of it by a failed request.
        const isSubmitted = path.startsWith('/queue/') && ['null', '[]', '"text"'].includes(String(body));
        if (isSubmitted) expect(await outcomeOf(reply)).toBe(422);
        else expect([path, String(body), Math.floor(reply.status / 100)]).toEqual([path, String(body), 4]);
        expect(reply.headers.get('content-type')).toContain('application/json');
      }
    }
  });

  const outcomeOf = async ({ body: { request_id: requestId } }: Reply): Promise<number> => {
    await stage.inState(requestId, 'COMPLETED');
    return (await stage.result(requestId)).status;
  };
});

await onEachDatabase('J. Inputs that fail', { maker: 'pipeline' }, (stage) => {
  let inputs: TestServer;
  beforeAll(async () => {
    inputs = await serveInputs();
  });
  afterAll(() => inputs[Symbol.asyncDispose]());

  const runWith = (changes: object) => stage.run({ ...smallClip, audio_url: `${inputs.url}/sound.wav`, ...changes });

  test('the same inputs without the fault make a clip', async () => {
    expect((await runWith({})).status).toBe(200);
  });

  test('140 a recording that is not there', async () => {
    const { status, body } = await runWith({ audio_url: `${inputs.url}/missing.mp3` });
    expect(status).toBe(422);
    expect(body.detail).toEqual([
      expect.objectContaining({
        loc: ['body', 'audio_url'],
        type: 'file_download_error',
        input: `${inputs.url}/missing.mp3`,
      }),
    ]);
  });

  test('141 a recording that is none', async () => {
    const { status, body } = await runWith({ audio_url: `${inputs.url}/garbage` });
    expect(status).toBe(422);
    expect(body.detail).toEqual([
      expect.objectContaining({
        loc: ['body', 'audio_url'],
        type: 'unsupported_audio_format',
        ctx: { supported_formats: expect.arrayContaining(['mp3', 'wav']) },
      }),
    ]);
  });

  test('142 a picture that is none', async () => {
    for (const field of ['image_url', 'end_image_url']) {
      const { status, body } = await runWith({ [field]: `${inputs.url}/garbage` });
      expect(status).toBe(422);
      expect(body.detail).toEqual([expect.objectContaining({ loc: ['body', field], type: 'image_load_error' })]);
    }
  });

  test('143, 144 every 422 is whole: its entries, its id, no charge', async () => {
    const replies = [
      await stage.run({}),
      await runWith({ audio_url: `${inputs.url}/missing.mp3` }),
      await runWith({ audio_url: `${inputs.url}/garbage` }),
      await runWith({ image_url: `${inputs.url}/garbage` }),
      await runWith({ loras: [{ path: `${inputs.url}/garbage` }] }),
      await runWith({ video_size: { width: 1, height: 1 }, fps: 'fast', seed: -1, loras: [{}] }),
      await stage.call(`/run/${id}`, { method: 'POST', body: '{' }),
    ];
    for (const { status, headers, body } of replies) {
      expect(status).toBe(422);
      expect(headers.get('x-fal-request-id')).toMatch(/^[0-9a-f-]{36}$/);
      expect(headers.get('x-fal-billable-units')).toBe('0');
      expect(body.detail.length).toBeGreaterThan(0);
      for (const { loc, msg, type, url } of body.detail) {
        expect(loc[0]).toBe('body');
        expect(msg).toMatch(/\S/);
        expect(type).toMatch(/^[a-z_]+$/);
        expect(url).toMatch(new RegExp(`^https://docs\\.fal\\.ai/errors/?#${type}$`));
      }
    }
    expect(new Set(replies.map(({ headers }) => headers.get('x-fal-request-id'))).size).toBe(replies.length);
  });
});

function serveInputs(): Promise<TestServer> {
  return serveHttp((request, response) => {
    if (request.url === '/sound.wav') response.writeHead(200).end(sound);
    else if (request.url === '/garbage') response.writeHead(200).end('neither sound nor picture '.repeat(100));
    else response.writeHead(404).end('not here');
  });
}
