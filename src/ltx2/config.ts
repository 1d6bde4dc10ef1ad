import { z } from 'zod';
import type { Checkpoint } from '../graph/weights/checkpoint.ts';
import { SoundstageError } from '../shared/errors.ts';

const size = z.number().int().positive();
const tokenId = z.number().int().nonnegative();

/** The `transformer` section of a bundle's configuration, which also holds the connectors' settings. */
const transformerConfig = z.object({
  num_layers: size,
  num_attention_heads: size,
  attention_head_dim: size,
  audio_num_attention_heads: size,
  audio_attention_head_dim: size,
  in_channels: size,
  out_channels: size,
  audio_in_channels: size.default(128),
  audio_out_channels: size.default(128),
  caption_channels: size,
  norm_eps: z.number().positive(),
  rope_type: z.literal('split'),
  frequencies_precision: z.literal('float64'),
  use_middle_indices_grid: z.literal(true),
  causal_temporal_positioning: z.literal(true),
  positional_embedding_theta: z.number().positive(),
  positional_embedding_max_pos: z.tuple([z.number(), z.number(), z.number()]),
  audio_positional_embedding_max_pos: z.tuple([z.number()]),
  timestep_scale_multiplier: z.number().positive(),
  av_ca_timestep_scale_multiplier: z.number().positive(),
  connector_num_layers: size,
  connector_num_attention_heads: size,
  connector_attention_head_dim: size,
  connector_num_learnable_registers: size,
  connector_positional_embedding_max_pos: z.tuple([z.number()]),
  connector_norm_output: z.literal(true),
});

const videoBlock = z.tuple([
  z.string(),
  z.object({ num_layers: size.optional(), multiplier: size.optional(), residual: z.boolean().optional() }),
]);

/** The `vae` section. */
const videoVaeConfig = z.object({
  latent_channels: size,
  patch_size: size,
  norm_layer: z.literal('pixel_norm'),
  timestep_conditioning: z.literal(false),
  causal_decoder: z.literal(false),
  /** Width of the decoder's last stage. */
  decoder_base_channels: size.default(128),
  encoder_blocks: z.array(videoBlock),
  decoder_blocks: z.array(videoBlock),
});

/** The `audio_vae` section. */
const audioVaeConfig = z.object({
  model: z.object({
    params: z.object({
      sampling_rate: size,
      ddconfig: z.object({
        mel_bins: size,
        z_channels: size,
        in_channels: size,
        out_ch: size,
        ch: size,
        ch_mult: z.array(size),
        num_res_blocks: size,
        norm_type: z.literal('pixel'),
        causality_axis: z.literal('height'),
        mid_block_add_attention: z.literal(false),
      }),
    }),
  }),
  preprocessing: z.object({
    stft: z.object({ filter_length: size, hop_length: size, win_length: size }),
    mel: z.object({ n_mel_channels: size, mel_fmin: z.number(), mel_fmax: z.number() }),
  }),
});

/** The `vocoder` section. */
const vocoderConfig = z.object({
  resblock: z.literal('1'),
  upsample_initial_channel: size,
  upsample_rates: z.array(size),
  upsample_kernel_sizes: z.array(size),
  resblock_kernel_sizes: z.array(size),
  resblock_dilation_sizes: z.array(z.array(size)),
  stereo: z.literal(true),
  output_sampling_rate: size.default(24000),
});

const sigmas = z
  .array(z.number().min(0).max(1))
  .min(2)
  .refine((values) => values.at(-1) === 0, 'the last noise level must be 0')
  .refine(
    (values) => values.every((value, at) => at === 0 || value < (values[at - 1] ?? 0)),
    'each noise level must be below the one before',
  );

/** The `scheduler` section, as far as a checkpoint has noise levels of its own. */
const schedulerConfig = z.object({
  stage_1_sigmas: sigmas.refine((values) => values[0] === 1, 'the first noise level must be 1').optional(),
  stage_2_sigmas: sigmas.optional(),
});

/** The flat configuration of an upscaler file. */
const upsamplerConfig = z.object({
  in_channels: size,
  mid_channels: size,
  num_blocks_per_stage: size,
  dims: z.literal(3),
  spatial_upsample: z.literal(true),
  temporal_upsample: z.literal(false),
  spatial_scale: z.literal(2).default(2),
});

const linearScaling = z.object({ rope_type: z.literal('linear').optional(), factor: z.number().positive() });

/**
 * Settings of a Hugging Face Gemma 3 folder's `config.json`. Published folders leave out what equals the defaults of
 * transformers' `Gemma3TextConfig`, which are repeated here; newer versions write `rope_parameters` and `layer_types`.
 */
const gemmaConfig = z.object({
  text_config: z.object({
    hidden_size: size,
    num_hidden_layers: size,
    num_attention_heads: size,
    num_key_value_heads: size,
    head_dim: size.default(256),
    intermediate_size: size,
    hidden_activation: z.literal('gelu_pytorch_tanh').default('gelu_pytorch_tanh'),
    attention_bias: z.literal(false).default(false),
    attn_logit_softcapping: z.undefined().optional(),
    final_logit_softcapping: z.undefined().optional(),
    query_pre_attn_scalar: z.number().positive().default(256),
    rms_norm_eps: z.number().positive().default(1e-6),
    rope_theta: z.number().positive().default(1_000_000),
    rope_local_base_freq: z.number().positive().default(10_000),
    rope_scaling: linearScaling.optional(),
    rope_parameters: z
      .object({
        full_attention: z.object({
          rope_type: z.enum(['default', 'linear']),
          rope_theta: z.number().positive(),
          factor: z.number().positive().optional(),
        }),
        sliding_attention: z.object({ rope_type: z.literal('default'), rope_theta: z.number().positive() }),
      })
      .optional(),
    sliding_window: size.default(4096),
    sliding_window_pattern: size.default(6),
    layer_types: z.array(z.enum(['full_attention', 'sliding_attention'])).optional(),
  }),
  eos_token_id: z.union([z.number().int(), z.array(z.number().int())]).default([1, 106]),
  mm_tokens_per_image: size.default(256),
  /** Stand before the parts of a picture, for each of them, and behind them. */
  boi_token_index: tokenId.default(255_999),
  image_token_index: tokenId.default(262_144),
  eoi_token_index: tokenId.default(256_000),
  vision_config: z.looseObject({}).default({}),
});

/** The `vision_config` of a Gemma 3 folder, with the defaults of transformers' `SiglipVisionConfig`. */
const visionConfig = z.object({
  model_type: z.literal('siglip_vision_model').default('siglip_vision_model'),
  hidden_size: size.default(768),
  intermediate_size: size.default(3072),
  num_hidden_layers: size.default(12),
  num_attention_heads: size.default(12),
  num_channels: z.literal(3).default(3),
  image_size: size.default(224),
  patch_size: size.default(16),
  hidden_act: z.literal('gelu_pytorch_tanh').default('gelu_pytorch_tanh'),
  layer_norm_eps: z.number().positive().default(1e-6),
});

const perChannel = z.tuple([z.number(), z.number(), z.number()]);

/** `preprocessor_config.json` of a Gemma 3 folder, with the defaults of transformers' `Gemma3ImageProcessor`. */
const pictureConfig = z.object({
  do_resize: z.literal(true).default(true),
  do_rescale: z.literal(true).default(true),
  do_normalize: z.literal(true).default(true),
  do_pan_and_scan: z.literal(false).default(false),
  /** Pillow's number of bilinear. */
  resample: z.literal(2).default(2),
  size: z.object({ height: size, width: size }).optional(),
  rescale_factor: z
    .number()
    .positive()
    .default(1 / 255),
  image_mean: perChannel.default([0.5, 0.5, 0.5]),
  image_std: perChannel.default([0.5, 0.5, 0.5]),
});

export type TransformerConfig = z.infer<typeof transformerConfig>;
export type VideoVaeConfig = z.infer<typeof videoVaeConfig>;
export type AudioVaeConfig = z.infer<typeof audioVaeConfig>;
export type VocoderConfig = z.infer<typeof vocoderConfig>;
export type UpsamplerConfig = z.infer<typeof upsamplerConfig>;
export type GemmaConfig = z.infer<typeof gemmaConfig>;
export type VisionConfig = z.infer<typeof visionConfig>;

const sections = {
  transformer: transformerConfig,
  vae: videoVaeConfig,
  audio_vae: audioVaeConfig,
  vocoder: vocoderConfig,
  scheduler: schedulerConfig,
  upsampler: upsamplerConfig,
  gemma: gemmaConfig,
  vision: visionConfig,
  picture: pictureConfig,
};

type Sections = typeof sections;

/**
 * Validates one section of a configuration. Settings this project does not implement are refused rather than ignored; one
 * that is null is not set.
 *
 * @throws SoundstageError `weights` naming the file and the setting
 */
export function parseConfig<Name extends keyof Sections>(
  name: Name,
  value: unknown,
  file: string,
): z.infer<Sections[Name]> {
  const parsed = sections[name].safeParse(withoutNulls(value));
  if (parsed.success) return parsed.data as z.infer<Sections[Name]>;
  const [issue] = parsed.error.issues;
  const where = [name, ...(issue?.path ?? [])].join('.');
  throw new SoundstageError('weights', `${file} has an unsupported configuration at ${where}: ${issue?.message}`, {
    cause: parsed.error,
  });
}

function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNulls);
  if (typeof value !== 'object' || value === null) return value;
  const set = Object.entries(value).filter(([, setting]) => setting !== null);
  return Object.fromEntries(set.map(([key, setting]) => [key, withoutNulls(setting)]));
}

/** The configuration of one network of a bundle. @throws SoundstageError `weights` if there is none, or as `parseConfig` */
export function configOf<Name extends keyof Sections>(
  { path, config }: Checkpoint,
  name: Name,
): z.infer<Sections[Name]> {
  if (typeof config === 'object' && config !== null && name in config) {
    return parseConfig(name, (config as Record<string, unknown>)[name], path);
  }
  const message = `${path} has no "${name}" section in its configuration; is it an LTX-2 bundle?`;
  throw new SoundstageError('weights', message);
}

/** The configuration of an upscaler file, which is not in a section. @throws as `parseConfig` */
export function upsamplerConfigOf({ path, config }: Checkpoint): UpsamplerConfig {
  return parseConfig('upsampler', config, path);
}
