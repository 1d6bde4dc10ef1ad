import { expect, test } from 'vitest';
import { FrameWatch, sampledFrames } from './frame-watch.ts';

const clip = { width: 2, height: 1, frames: 50, fps: 25 };
const frame = (index: number): Uint8Array => new Uint8Array(6).fill(index);
const frames = (from: number, to: number): Uint8Array =>
  Buffer.concat(Array.from({ length: to - from }, (_, index) => frame(from + index)));

test.for([
  [96, 25, 5],
  [9, 60, 2],
  [25, 25, 2],
  [481, 1, 16],
  [481, 60, 10],
  [1, 25, 1],
] as const)('%i frames at %f fps give %i samples with both ends', ([count, fps, samples]) => {
  const indices = sampledFrames({ frames: count, fps });
  expect(indices).toHaveLength(samples);
  expect(indices[0]).toBe(0);
  expect(indices.at(-1)).toBe(count - 1);
  expect(new Set(indices).size).toBe(samples);
});

test('sees the sampled frames whole and in order, however they are cut into batches', async () => {
  const seen: [number, Uint8Array][] = [];
  const watch = new FrameWatch(clip, async ({ rgb }, index) => void seen.push([index, rgb]), Promise.resolve());
  await watch.add(frames(0, 1));
  await watch.add(frames(1, 30));
  await watch.add(frames(30, 50));
  await watch.finish();
  expect(seen).toEqual([0, 25, 49].map((index) => [index, new Uint8Array(frame(index))]));
});

test('does not wait for checks, and a failed one surfaces later and ends the checking', async () => {
  const refused = new Error('refused');
  const release = Promise.withResolvers<void>();
  let checks = 0;
  const check = async (): Promise<void> => {
    checks++;
    await release.promise;
    throw refused;
  };
  const watch = new FrameWatch(clip, check, Promise.resolve());
  await watch.add(frames(0, 40));
  release.resolve();
  await expect(watch.finish()).rejects.toBe(refused);
  await expect(watch.add(frames(40, 50))).rejects.toBe(refused);
  expect(checks).toBe(1);
});

test('makes the producer wait when many samples are behind', async () => {
  const release = Promise.withResolvers<void>();
  const watch = new FrameWatch({ ...clip, fps: 1 }, () => release.promise, Promise.resolve());
  let isThrough = false;
  const adding = watch.add(frames(0, 50)).then(() => {
    isThrough = true;
  });
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect(isThrough).toBe(false);
  release.resolve();
  await adding;
});

test('a model that does not load fails the clip', async () => {
  const watch = new FrameWatch(clip, async () => {}, Promise.reject(new Error('no model')));
  await expect(watch.finish()).rejects.toThrow('no model');
});
