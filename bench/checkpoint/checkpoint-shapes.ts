/** Sizes of a random checkpoint; everything not named here is as in LTX-2 19B. */
export interface CheckpointSizes {
  readonly name: string;
  readonly layers: number;
  readonly heads: number;
  readonly headDim: number;
  readonly audioHeadDim: number;
  readonly latentChannels: number;
  readonly vaeBase: number;
  readonly audioLatentChannels: number;
  readonly audioVaeBase: number;
  readonly gemmaHidden: number;
  readonly gemmaLayers: number;
  readonly gemmaHeads: number;
  readonly gemmaKeyValueHeads: number;
  readonly gemmaHeadDim: number;
  readonly upsamplerChannels: number;
  readonly vocoderChannels: number;
}

/** Width of an audio token, which has 16 mel bands of the latent. */
export function audioTokenWidth({ audioLatentChannels }: CheckpointSizes): number {
  return 16 * audioLatentChannels;
}

/** Tensor shapes by key. */
export type Shapes = Record<string, readonly number[]>;

/** Transformer, connectors and feature projection. */
export function transformerShapes(sizes: CheckpointSizes): Shapes {
  const { layers, heads, headDim, audioHeadDim, latentChannels, gemmaHidden, gemmaLayers } = sizes;
  const [D, A, H, C, Ca] = [heads * headDim, heads * audioHeadDim, gemmaHidden, latentChannels, audioTokenWidth(sizes)];
  const root = 'model.diffusion_model.';
  const shapes: Shapes = {
    ...linear(`${root}patchify_proj`, D, C),
    ...linear(`${root}audio_patchify_proj`, A, Ca),
    ...linear(`${root}caption_projection.linear_1`, D, H),
    ...linear(`${root}caption_projection.linear_2`, D, D),
    ...linear(`${root}audio_caption_projection.linear_1`, A, H),
    ...linear(`${root}audio_caption_projection.linear_2`, A, A),
    ...linear(`${root}proj_out`, C, D),
    ...linear(`${root}audio_proj_out`, Ca, A),
    [`${root}scale_shift_table`]: [2, D],
    [`${root}audio_scale_shift_table`]: [2, A],
    'text_embedding_projection.aggregate_embed.weight': [H, H * (gemmaLayers + 1)],
  };
  const timestepModules: readonly [string, number, number][] = [
    ['adaln_single', D, 6],
    ['audio_adaln_single', A, 6],
    ['av_ca_video_scale_shift_adaln_single', D, 4],
    ['av_ca_audio_scale_shift_adaln_single', A, 4],
    ['av_ca_a2v_gate_adaln_single', D, 1],
    ['av_ca_v2a_gate_adaln_single', A, 1],
  ];
  for (const [name, width, rows] of timestepModules) {
    Object.assign(shapes, linear(`${root}${name}.emb.timestep_embedder.linear_1`, width, 256));
    Object.assign(shapes, linear(`${root}${name}.emb.timestep_embedder.linear_2`, width, width));
    Object.assign(shapes, linear(`${root}${name}.linear`, rows * width, width));
  }
  for (let layer = 0; layer < layers; layer++)
    Object.assign(shapes, blockShapes(`${root}transformer_blocks.${layer}.`, D, A));
  for (const kind of ['video', 'audio'])
    Object.assign(shapes, connectorShapes(`${root}${kind}_embeddings_connector.`, H));
  return shapes;
}

function blockShapes(block: string, D: number, A: number): Shapes {
  return {
    [`${block}scale_shift_table`]: [6, D],
    [`${block}audio_scale_shift_table`]: [6, A],
    [`${block}scale_shift_table_a2v_ca_video`]: [5, D],
    [`${block}scale_shift_table_a2v_ca_audio`]: [5, A],
    ...attention(`${block}attn1`, D, D, D),
    ...attention(`${block}attn2`, D, D, D),
    ...attention(`${block}audio_attn1`, A, A, A),
    ...attention(`${block}audio_attn2`, A, A, A),
    ...attention(`${block}audio_to_video_attn`, D, A, A),
    ...attention(`${block}video_to_audio_attn`, A, D, A),
    ...linear(`${block}ff.net.0.proj`, 4 * D, D),
    ...linear(`${block}ff.net.2`, D, 4 * D),
    ...linear(`${block}audio_ff.net.0.proj`, 4 * A, A),
    ...linear(`${block}audio_ff.net.2`, A, 4 * A),
  };
}

function connectorShapes(connector: string, H: number): Shapes {
  const shapes: Shapes = { [`${connector}learnable_registers`]: [128, H] };
  for (const layer of [0, 1]) {
    const block = `${connector}transformer_1d_blocks.${layer}.`;
    Object.assign(shapes, attention(`${block}attn1`, H, H, H));
    Object.assign(shapes, linear(`${block}ff.net.0.proj`, 4 * H, H), linear(`${block}ff.net.2`, H, 4 * H));
  }
  return shapes;
}

/** Queries from width `x`, keys and values from width `context`, heads of width `inner` in all. */
function attention(name: string, x: number, context: number, inner: number): Shapes {
  return {
    ...linear(`${name}.to_q`, inner, x),
    ...linear(`${name}.to_k`, inner, context),
    ...linear(`${name}.to_v`, inner, context),
    ...linear(`${name}.to_out.0`, x, inner),
    [`${name}.q_norm.weight`]: [inner],
    [`${name}.k_norm.weight`]: [inner],
  };
}

export function videoVaeShapes({ latentChannels: C, vaeBase }: CheckpointSizes): Shapes {
  const shapes: Shapes = {
    'vae.per_channel_statistics.std-of-means': [C],
    'vae.per_channel_statistics.mean-of-means': [C],
    ...convolution('vae.encoder.conv_in.conv', C, 48, [3, 3, 3]),
    ...convolution('vae.encoder.conv_out.conv', C + 1, 16 * C, [3, 3, 3]),
    ...convolution('vae.decoder.conv_in.conv', 8 * vaeBase, C, [3, 3, 3]),
    ...convolution('vae.decoder.conv_out.conv', 48, vaeBase, [3, 3, 3]),
  };
  const residuals = (block: string, count: number, width: number): void => {
    for (let i = 0; i < count; i++) {
      for (const conv of ['conv1', 'conv2']) {
        Object.assign(shapes, convolution(`${block}.res_blocks.${i}.${conv}.conv`, width, width, [3, 3, 3]));
      }
    }
  };
  const encoderStrides = [4, 2, 8, 8];
  [4, 6, 6, 2, 2].forEach((count, level) => {
    const width = C * 2 ** level;
    residuals(`vae.encoder.down_blocks.${2 * level}`, count, width);
    const product = encoderStrides[level];
    if (product !== undefined) {
      Object.assign(
        shapes,
        convolution(`vae.encoder.down_blocks.${2 * level + 1}.conv.conv`, (2 * width) / product, width, [3, 3, 3]),
      );
    }
  });
  for (let level = 0; level < 4; level++) {
    const width = (8 * vaeBase) / 2 ** level;
    residuals(`vae.decoder.up_blocks.${2 * level}`, 5, width);
    if (level < 3)
      Object.assign(
        shapes,
        convolution(`vae.decoder.up_blocks.${2 * level + 1}.conv.conv`, 4 * width, width, [3, 3, 3]),
      );
  }
  return shapes;
}

export function audioVaeShapes({ audioVaeBase: ch, audioLatentChannels: z }: CheckpointSizes): Shapes {
  const [e, d] = ['audio_vae.encoder.', 'audio_vae.decoder.'];
  const kernel = [3, 3];
  const shapes: Shapes = {
    'audio_vae.per_channel_statistics.std-of-means': [16 * z],
    'audio_vae.per_channel_statistics.mean-of-means': [16 * z],
    ...convolution(`${e}conv_in.conv`, ch, 2, kernel),
    ...convolution(`${e}conv_out.conv`, 2 * z, 4 * ch, kernel),
    ...convolution(`${d}conv_in.conv`, 4 * ch, z, kernel),
    ...convolution(`${d}conv_out.conv`, 2, ch, kernel),
  };
  const block = (name: string, out: number, inputs: number): void => {
    Object.assign(
      shapes,
      convolution(`${name}.conv1.conv`, out, inputs, kernel),
      convolution(`${name}.conv2.conv`, out, out, kernel),
    );
    if (out !== inputs) Object.assign(shapes, convolution(`${name}.nin_shortcut.conv`, out, inputs, [1, 1]));
  };
  for (const net of [e, d]) for (const i of [1, 2]) block(`${net}mid.block_${i}`, 4 * ch, 4 * ch);
  [1, 2, 4].forEach((mult, level) => {
    const before = level === 0 ? 1 : 2 ** (level - 1);
    for (let i = 0; i < 2; i++) block(`${e}down.${level}.block.${i}`, ch * mult, ch * (i === 0 ? before : mult));
    if (level < 2)
      Object.assign(shapes, convolution(`${e}down.${level}.downsample.conv`, ch * mult, ch * mult, kernel));
    const above = level === 2 ? 4 : 2 * mult;
    for (let i = 0; i < 3; i++) block(`${d}up.${level}.block.${i}`, ch * mult, ch * (i === 0 ? above : mult));
    if (level > 0)
      Object.assign(shapes, convolution(`${d}up.${level}.upsample.conv.conv`, ch * mult, ch * mult, kernel));
  });
  return shapes;
}

export function vocoderShapes({ vocoderChannels: initial }: CheckpointSizes): Shapes {
  const shapes: Shapes = {
    ...convolution('vocoder.conv_pre', initial, 128, [7]),
    ...convolution('vocoder.conv_post', 2, initial / 32, [7]),
  };
  [16, 15, 8, 4, 4].forEach((kernel, stage) => {
    const [inputs, width] = [initial / 2 ** stage, initial / 2 ** (stage + 1)];
    shapes[`vocoder.ups.${stage}.weight`] = [inputs, width, kernel];
    shapes[`vocoder.ups.${stage}.bias`] = [width];
    [3, 7, 11].forEach((size, k) => {
      for (const convs of ['convs1', 'convs2']) {
        for (const i of [0, 1, 2])
          Object.assign(shapes, convolution(`vocoder.resblocks.${3 * stage + k}.${convs}.${i}`, width, width, [size]));
      }
    });
  });
  return shapes;
}

export function upsamplerShapes({ latentChannels: C, upsamplerChannels: M }: CheckpointSizes): Shapes {
  const shapes: Shapes = {
    ...convolution('initial_conv', M, C, [3, 3, 3]),
    ...norm('initial_norm', M),
    ...convolution('upsampler.conv', 4 * M, M, [3, 3]),
    ...convolution('final_conv', C, M, [3, 3, 3]),
  };
  for (const part of ['res_blocks', 'post_upsample_res_blocks']) {
    for (let i = 0; i < 4; i++) {
      for (const k of [1, 2])
        Object.assign(shapes, convolution(`${part}.${i}.conv${k}`, M, M, [3, 3, 3]), norm(`${part}.${i}.norm${k}`, M));
    }
  }
  return shapes;
}

export function gemmaShapes(sizes: CheckpointSizes, vocabulary: number): Shapes {
  const { gemmaHidden: H, gemmaLayers, gemmaHeads, gemmaKeyValueHeads, gemmaHeadDim: headDim } = sizes;
  const root = 'language_model.model.';
  const shapes: Shapes = { [`${root}embed_tokens.weight`]: [vocabulary, H], [`${root}norm.weight`]: [H] };
  const [queries, keys, hidden] = [gemmaHeads * headDim, gemmaKeyValueHeads * headDim, 4 * H];
  for (let layer = 0; layer < gemmaLayers; layer++) {
    const at = `${root}layers.${layer}.`;
    Object.assign(shapes, {
      [`${at}self_attn.q_proj.weight`]: [queries, H],
      [`${at}self_attn.k_proj.weight`]: [keys, H],
      [`${at}self_attn.v_proj.weight`]: [keys, H],
      [`${at}self_attn.o_proj.weight`]: [H, queries],
      [`${at}self_attn.q_norm.weight`]: [headDim],
      [`${at}self_attn.k_norm.weight`]: [headDim],
      [`${at}mlp.gate_proj.weight`]: [hidden, H],
      [`${at}mlp.up_proj.weight`]: [hidden, H],
      [`${at}mlp.down_proj.weight`]: [H, hidden],
    });
    for (const name of [
      'input_layernorm',
      'post_attention_layernorm',
      'pre_feedforward_layernorm',
      'post_feedforward_layernorm',
    ]) {
      shapes[`${at}${name}.weight`] = [H];
    }
  }
  return shapes;
}

export function linear(name: string, out: number, inputs: number): Shapes {
  return { [`${name}.weight`]: [out, inputs], [`${name}.bias`]: [out] };
}

export function convolution(name: string, out: number, inputs: number, kernel: readonly number[]): Shapes {
  return { [`${name}.weight`]: [out, inputs, ...kernel], [`${name}.bias`]: [out] };
}

export function norm(name: string, width: number): Shapes {
  return { [`${name}.weight`]: [width], [`${name}.bias`]: [width] };
}
