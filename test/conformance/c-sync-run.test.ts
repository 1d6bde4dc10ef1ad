import { expect, test } from 'vitest';
import { recording, smallClip } from '../support/endpoint.ts';
import { expectPlayable } from '../support/media/playable.ts';
import { id } from './stage/names.ts';
import { onEachDatabase } from './stage/stage.ts';

const sound = (await recording()).toString('base64');
const input = Object.freeze({ ...smallClip, audio_url: `data:audio/wav;base64,${sound}` });
/** 128 × 128 × 9 pixels are less than one megapixel. */
const units = '1';

await onEachDatabase('C. Sync run', { maker: 'pipeline' }, (stage) => {
  test('42 a run answers the output and nothing around it', async () => {
    const { status, body } = await stage.run(input);
    expect(status).toBe(200);
    expect(Object.keys(body).sort()).toEqual(['prompt', 'seed', 'video']);
    expect(body.video).toEqual({
      url: expect.stringMatching(`^${stage.url}/cdn/files/`),
      content_type: 'video/mp4',
      file_name: expect.stringMatching(/\.mp4$/),
      file_size: expect.any(Number),
      width: 128,
      height: 128,
      fps: 25,
      duration: 9 / 25,
      num_frames: 9,
    });
    await expectPlayable(body);
  });

  test('43, 44, 45, 46 the headers of a run: request id, billed megapixels, JSON, and not too many', async () => {
    const { headers } = await stage.run(input);
    expect(headers.get('x-fal-request-id')).toMatch(/^[0-9a-f-]{36}$/);
    expect(headers.get('x-fal-billable-units')).toBe(units);
    expect(headers.get('content-type')).toContain('application/json');
    const size = [...headers].reduce((sum, [name, value]) => sum + Buffer.byteLength(`${name}: ${value}\r\n`), 0);
    expect(size).toBeLessThan(16 * 1024);
  });

  test('44 a larger run costs its megapixels, rounded up', async () => {
    // 288 × 256 × 17 = 1,253,376
    const clip = { ...input, video_size: { width: 288, height: 256 }, num_frames: 17, use_multiscale: false };
    const { headers, body } = await stage.run(clip);
    expect(body.video).toMatchObject({ width: 288, height: 256, num_frames: 17 });
    expect(headers.get('x-fal-billable-units')).toBe('2');
  });

  test('47 sync_mode puts the file into the reply', async () => {
    const { status, headers, body } = await stage.run({ ...input, sync_mode: true });
    expect(status).toBe(200);
    expect(body.video.url).toMatch(/^data:video\/mp4;base64,/);
    expect(headers.get('x-fal-billable-units')).toBe(units);
    await expectPlayable(body);
    const listed = await stage.call(`/v1/models/requests/by-endpoint?endpoint_id=${id}&expand=payloads&limit=1`);
    expect(listed.body.items[0]).toMatchObject({
      request_id: headers.get('x-fal-request-id'),
      json_input: null,
      json_output: null,
    });
  });

  test('48 a seed is used as given, drawn otherwise, and decides the clip', async () => {
    const [first, again, drawn, other] = [
      await stage.run({ ...input, seed: 7 }),
      await stage.run({ ...input, seed: 7 }),
      await stage.run(input),
      await stage.run({ ...input, seed: null }),
    ];
    expect([first.body.seed, again.body.seed]).toEqual([7, 7]);
    const bytes = await Promise.all(
      [first, again, drawn].map(async ({ body }) => Buffer.from(await (await fetch(body.video.url)).arrayBuffer())),
    );
    expect(bytes[1]?.equals(bytes[0] ?? Buffer.alloc(0))).toBe(true);
    expect(bytes[2]?.equals(bytes[0] ?? Buffer.alloc(0))).toBe(false);
    for (const { body } of [drawn, other]) expect(Number.isSafeInteger(body.seed)).toBe(true);
    expect(drawn.body.seed).not.toBe(other.body.seed);
  });

  test('49 without expansion the prompt comes back as it was', async () => {
    const prompt = 'Eine Frau spricht in die Kamera 🎬';
    const { body } = await stage.run({ ...input, prompt, enable_prompt_expansion: false });
    expect(body.prompt).toBe(prompt);
  });
});
