import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { devices, graphTargets } from '../../graph/graph-target.ts';
import { networkGraph } from '../../graph/network.ts';
import { floatTensor } from '../../graph/runtime/host-tensor.ts';
import { Session } from '../../graph/runtime/session.ts';
import { type Checkpoint, openCheckpoint } from '../../graph/weights/checkpoint.ts';
import type { AudioVaeConfig } from '../config.ts';
import { conditionOnAudio, encodeMel } from './audio-conditioning.ts';
import { audioDecoder } from './audio-decoder.ts';
import { decodeAudio } from './audio-decoding.ts';
import { audioEncoder } from './audio-encoder.ts';
import { audioVaeConfigOf } from './audio-latents.ts';
import { type VocoderSizes, vocoder, vocoderConfigOf } from './vocoder.ts';

const file = join(import.meta.dirname, '../../../test/fixtures/parity/checkpoint/ltx-2-tiny.safetensors');
let checkpoint: Checkpoint;
let config: AudioVaeConfig;
let vocoderConfig: VocoderSizes;

beforeAll(async () => {
  checkpoint = await openCheckpoint(file);
  config = audioVaeConfigOf(checkpoint);
  vocoderConfig = vocoderConfigOf(checkpoint);
});

const noise = (length: number): Float32Array =>
  Float32Array.from({ length }, (_, n) => Math.sin(n * n * 0.01) * Math.cos(n * 0.003));

describe.for(devices)('on %s', (device) => {
  test('the networks are emitted with float32 edges', () => {
    const target = graphTargets[device];
    const encoder = networkGraph(audioEncoder, target, checkpoint, config);
    const decoder = networkGraph(audioDecoder, target, checkpoint, config);
    const synthesizer = networkGraph(vocoder, target, checkpoint, vocoderConfig);
    const shapes = [encoder, decoder, synthesizer].map(({ inputs, outputs }) =>
      [...inputs, ...outputs].map(({ name, dtype, shape }) => `${name} ${dtype} [${shape.join(', ')}]`).join(' → '),
    );
    expect(shapes).toEqual([
      'mel float32 [1, 2, 4*t-3, 64] → latent float32 [1, 2, t, 16]',
      'latent float32 [1, 2, t, 16] → mel float32 [1, 2, 4*t-3, 64]',
      'mel float32 [1, 2, n, 64] → waveform float32 [1, 2, 240*n]',
    ]);
  });
});

test('the bf16 form passes the type and shape inference of the runtime', async () => {
  const target = graphTargets.cuda;
  const models = [
    networkGraph(audioEncoder, target, checkpoint, config),
    networkGraph(audioDecoder, target, checkpoint, config),
    networkGraph(vocoder, target, checkpoint, vocoderConfig),
  ];
  for (const model of models) {
    // On the CPU only the kernels are missing; they are looked for after the graph is found to be valid.
    const opened = Session.open({ ...model, target: graphTargets.cpu });
    await expect(opened).rejects.toThrow('Could not find an implementation');
  }
});

test('the f16 form computes the same within its precision', async () => {
  const mel = floatTensor(noise(2 * 9 * 64), [1, 2, 9, 64]);
  await using wide = await Session.open(networkGraph(audioEncoder, graphTargets.cpu, checkpoint, config));
  const half = networkGraph(audioEncoder, graphTargets.webgpu, checkpoint, config);
  await using narrow = await Session.open({ ...half, target: graphTargets.cpu });
  const [expected, actual] = [await encodeMel(wide, mel), await encodeMel(narrow, mel)];
  const difference = actual.data.map((value, at) => Math.abs(value - (expected.data[at] as number)));
  expect(Math.max(...difference)).toBeLessThan(0.02 * Math.max(...expected.data.map(Math.abs)));
});

test('a latent depends on no later mel frame', async () => {
  await using encoder = await Session.open(networkGraph(audioEncoder, graphTargets.cpu, checkpoint, config));
  const mel = floatTensor(noise(2 * 12 * 64), [1, 2, 12, 64]);
  const three = await encodeMel(encoder, mel);
  const two = await encodeMel(encoder, mel, 2);
  expect(three.shape).toEqual([1, 2, 3, 16]);
  for (const channel of [0, 1]) {
    const [longer, shorter] = [three.data.subarray(channel * 48), two.data.subarray(channel * 32)];
    for (let at = 0; at < 32; at++) expect(shorter[at]).toBeCloseTo(longer[at] as number, 5);
  }
  await expect(encodeMel(encoder, mel, 4)).rejects.toThrow('13 of 12 mel frames');
});

test('short sound is followed by silence, long sound is cut', async () => {
  await using encoder = await Session.open(networkGraph(audioEncoder, graphTargets.cpu, checkpoint, config));
  const clip = { frames: 9, fps: 24 };
  const samples = 18_000; // 9/24 s at 48 kHz
  const condition = async (left: Float32Array, right: Float32Array) => {
    const waveform = new Float32Array(left.length * 2);
    waveform.set(left);
    waveform.set(right, left.length);
    return await conditionOnAudio(encoder, config, { sampleRate: 48_000, waveform }, clip);
  };
  const sound = noise(5000);
  const padded = new Float32Array(samples);
  padded.set(sound);
  const short = await condition(sound, sound);
  expect(short.latent.shape).toEqual([1, 2, 9, 16]);
  expect(short.tokens.shape).toEqual([1, 9, 32]);
  expect(short).toEqual(await condition(padded, padded));

  const long = noise(samples * 2);
  expect(await condition(long, long)).toEqual(await condition(long.subarray(0, samples), long.subarray(0, samples)));
  const nothing = await condition(new Float32Array(0), new Float32Array(0));
  expect(nothing.latent.data.every(Number.isFinite)).toBe(true);
});

test('a latent becomes stereo sound of 240 samples per mel frame', async () => {
  await using decoder = await Session.open(networkGraph(audioDecoder, graphTargets.cpu, checkpoint, config));
  await using synthesizer = await Session.open(networkGraph(vocoder, graphTargets.cpu, checkpoint, vocoderConfig));
  const latent = floatTensor(noise(2 * 3 * 16), [1, 2, 3, 16]);
  const { mel, sampleRate, waveform } = await decodeAudio(decoder, synthesizer, vocoderConfig, latent);
  expect(mel.shape).toEqual([1, 2, 9, 64]);
  expect(sampleRate).toBe(24_000);
  expect(waveform.length).toBe(2 * 9 * 240);
  expect(waveform.every((sample) => Math.abs(sample) < 1)).toBe(true);
});

test('an autoencoder with another latent rate is refused', () => {
  const { params } = config.model;
  const audio_vae = { ...config, model: { params: { ...params, sampling_rate: 24_000 } } };
  expect(() => audioVaeConfigOf({ ...checkpoint, config: { audio_vae } })).toThrow('37.5 audio latents per second');
});
