/** Keys that tell which model a LoRA was made for. */
const models: readonly (readonly [key: RegExp, model: string])[] = [
  [/prompt_adaln_single|to_gate_logits/, 'LTX-2.3'],
  [/(?:^|[._])blocks[._]\d+[._](?:self_attn|cross_attn|ffn)[._]/, 'Wan'],
  [/double_blocks\.\d+\.img_attn_qkv|token_refiner/, 'HunyuanVideo'],
  [/double_blocks|single_blocks|single_transformer_blocks/, 'FLUX or a relative of it'],
  [/transformer_blocks[._]\d+[._](?:img_mlp|txt_mlp)/, 'Qwen-Image'],
  [/joint_blocks/, 'Stable Diffusion 3'],
  [/attn[._]add_[qkv]_proj/, 'FLUX, Qwen-Image or Stable Diffusion 3'],
  [/down_blocks|up_blocks|mid_block|input_blocks|middle_block|output_blocks/, 'Stable Diffusion'],
  [/context_refiner|noise_refiner|(?:^|[._])layers[._]\d+[._]attention/, 'Lumina or Z-Image'],
];

/** Whether a module is one of a text encoder. */
export function isOfTextEncoder(name: string): boolean {
  return /text_model|text_encoder|lora_te\d*_|language_model|gemma|self_attn[._][qkvo]_proj/.test(name);
}

/** The model that the names of modules point to; undefined where they say nothing. */
export function modelByNames(names: readonly string[]): string | undefined {
  return models.find(([pattern]) => names.some((name) => pattern.test(name)))?.[1];
}

/** The size of a transformer, as far as the modules of a file or of a model show it. */
export interface TransformerSize {
  /** Channels of the video stream. */
  readonly width: number;
  /** As many blocks at least. */
  readonly blocks: number;
}

/** Who has blocks like these: the published models whose LoRAs name `transformer_blocks.N.attn1`. */
const sizes: readonly (TransformerSize & { readonly model: string; readonly hasSound: boolean })[] = [
  { width: 192, blocks: 6, hasSound: true, model: 'the miniature (nano)' },
  { width: 2048, blocks: 28, hasSound: false, model: 'LTX-Video 2B' },
  { width: 4096, blocks: 48, hasSound: false, model: 'LTX-2 19B or LTX-Video 13B' },
  { width: 4096, blocks: 48, hasSound: true, model: 'LTX-2 19B' },
];

/** The published model of this size; its sound layers tell LTX-2 from LTX-Video. */
export function modelBySize(size: TransformerSize, hasSound: boolean): string | undefined {
  const fitting = sizes.filter(({ width, blocks }) => width === size.width && size.blocks <= blocks);
  return (fitting.find((known) => known.hasSound === hasSound) ?? fitting[0])?.model;
}
