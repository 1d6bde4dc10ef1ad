import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parseConfig } from './config.ts';

type Section = Parameters<typeof parseConfig>[0];

const released = async (name: string) =>
  JSON.parse(await readFile(join(import.meta.dirname, '../../test/fixtures/released', name), 'utf8'));
const bundle = await released('ltx-2-19b-config.json');
const gemma = await released('gemma-3-12b-config.json');

/** What `Gemma3TextConfig` writes besides when it writes all it has. */
const writtenOut = {
  attention_bias: false,
  attention_dropout: 0.0,
  attn_logit_softcapping: null,
  cache_implementation: 'hybrid',
  final_logit_softcapping: null,
  head_dim: 256,
  hidden_activation: 'gelu_pytorch_tanh',
  query_pre_attn_scalar: 256,
  rms_norm_eps: 1e-6,
  rope_local_base_freq: 10000.0,
  rope_theta: 1000000.0,
  sliding_window_pattern: 6,
};

test('eos_token_id null is the ids of Gemma', () => {
  const parsed = parseConfig('gemma', { ...gemma, eos_token_id: null }, 'config.json');
  expect(parsed.eos_token_id).toEqual([1, 106]);
});

test('a Gemma configuration that is written out means the same as the released one', () => {
  const whole = { ...gemma, text_config: { ...gemma.text_config, ...writtenOut } };
  expect(parseConfig('gemma', whole, 'config.json')).toEqual(parseConfig('gemma', gemma, 'config.json'));
});

test.for<[Section, object]>([
  ['transformer', { ...bundle.transformer, audio_in_channels: 128 }],
  ['vae', bundle.vae],
  ['audio_vae', bundle.audio_vae],
  ['vocoder', { ...bundle.vocoder, output_sampling_rate: 24_000 }],
  ['scheduler', { ...bundle.scheduler, stage_1_sigmas: [1, 0], stage_2_sigmas: [0.5, 0] }],
  ['gemma', { ...gemma, text_config: { ...gemma.text_config, ...writtenOut } }],
])('every setting of %s that is null counts as absent', ([section, config]) => {
  const outcome = (changed: unknown): unknown => {
    try {
      return parseConfig(section, changed, 'config.json');
    } catch (error) {
      return (error as Error).message;
    }
  };
  const paths = settingsOf(config);
  expect(paths.length).toBeGreaterThan(3);
  for (const path of paths) {
    expect(outcome(changedAt(config, path, null)), path.join('.')).toEqual(outcome(changedAt(config, path, undefined)));
  }
});

test('an upscaler of another scale is refused', () => {
  const upscaler = { in_channels: 128, mid_channels: 1024, num_blocks_per_stage: 4, dims: 3 };
  const spatial = { ...upscaler, spatial_upsample: true, temporal_upsample: false };
  expect(parseConfig('upsampler', spatial, 'u').spatial_scale).toBe(2);
  expect(parseConfig('upsampler', { ...spatial, spatial_scale: 2.0 }, 'u').spatial_scale).toBe(2);
  expect(() => parseConfig('upsampler', { ...spatial, spatial_scale: 1.5 }, 'u')).toThrow('upsampler.spatial_scale');
  expect(() => parseConfig('upsampler', { ...spatial, temporal_upsample: true }, 'u')).toThrow('temporal_upsample');
});

/** Paths of all settings at any depth; lists are settings as a whole. */
function settingsOf(config: object): string[][] {
  return Object.entries(config).flatMap(([name, value]: [string, unknown]) => {
    const isGroup = typeof value === 'object' && value !== null && !Array.isArray(value);
    return [[name], ...(isGroup ? settingsOf(value).map((path) => [name, ...path]) : [])];
  });
}

/** A copy with another value at `path`; undefined removes it. */
function changedAt(config: object, [name = '', ...rest]: readonly string[], value: unknown): object {
  const { [name]: old, ...others } = config as Record<string, unknown>;
  if (rest.length > 0) return { ...others, [name]: changedAt(old as object, rest, value) };
  return value === undefined ? others : { ...others, [name]: value };
}
