/** What a tensor of a LoRA file is to its module. The names are those of the trainers. */
export type Role =
  | ('down' | 'up' | 'alpha' | 'bias' | 'magnitude')
  | ('diff' | 'diff_b')
  | ('hada_w1_a' | 'hada_w1_b' | 'hada_w2_a' | 'hada_w2_b')
  | ('lokr_w1' | 'lokr_w1_a' | 'lokr_w1_b' | 'lokr_w2' | 'lokr_w2_a' | 'lokr_w2_b');

/**
 * Suffixes of keys. PEFT puts the name of the adapter in the middle, and some exporters leave the end away. What begins
 * with `weight` is no adapter: `weight_scale` belongs to quantized weights.
 */
const suffixes: readonly (readonly [suffix: RegExp, role: Role])[] = [
  [/\.lora_(?:A|down)(?:\.(?!weight|bias$)[^.]+)?(?:\.weight)?$/, 'down'],
  [/\.lora_(?:B|up)(?:\.(?!weight|bias$)[^.]+)?(?:\.weight)?$/, 'up'],
  [/[._]lora(?:_linear_layer)?\.down\.weight$/, 'down'],
  [/[._]lora(?:_linear_layer)?\.up\.weight$/, 'up'],
  [/\.(?:lora_)?alpha$/, 'alpha'],
  [/\.lora_(?:B|up)(?:\.[^.]+)?\.bias$/, 'bias'],
  [/\.dora_scale$/, 'magnitude'],
  [/\.lora_magnitude_vector(?:\.(?!weight$)[^.]+)?(?:\.weight)?$/, 'magnitude'],
  [/\.diff$/, 'diff'],
  [/\.diff_b$/, 'diff_b'],
  ...(['hada_w1_a', 'hada_w1_b', 'hada_w2_a', 'hada_w2_b'] as const).map(bySuffix),
  ...(['lokr_w1', 'lokr_w1_a', 'lokr_w1_b', 'lokr_w2', 'lokr_w2_a', 'lokr_w2_b'] as const).map(bySuffix),
];

function bySuffix(role: Role): readonly [RegExp, Role] {
  return [new RegExp(`\\.${role}(?:\\.[^.]+)?$`), role];
}

/** A key taken apart: the module as the file names it, and what the tensor is to it. */
export interface KeyParts {
  readonly module: string;
  readonly role: Role;
}

/** Many times what any model needs. Longer ones would make the header's patterns slow to match. */
const maxKeyLength = 400;

/** @returns undefined for a key that belongs to no known kind of LoRA */
export function keyParts(key: string): KeyParts | undefined {
  if (key.length > maxKeyLength) return undefined;
  for (const [suffix, role] of suffixes) {
    const match = suffix.exec(key);
    if (match !== null) return { module: key.slice(0, match.index), role };
  }
  return undefined;
}

/** Kinds of adapters that cannot be used, by a part of their keys. */
const unsupportedKinds: readonly (readonly [key: RegExp, kind: string])[] = [
  [/\.(?:oft_blocks|oft_diag|oft_R|boft_R)/, 'an OFT'],
  [/\.(?:a1|a2|b1|b2|bm)\.weight$/, 'a GLoRA'],
  [/\.(?:ia3_l|on_input)/, 'an (IA)³'],
  [/\.(?:hada_t[12]|lokr_t2|lora_mid)/, 'a LyCORIS of convolutions (Tucker decomposition)'],
  [/\.(?:vera_lambda_[bd]|vera_[AB])/, 'a VeRA'],
  [/\.(?:lora_E|lora_ranknum)/, 'an AdaLoRA'],
  [/\.(?:w_norm|b_norm|set_weight)$/, 'a LyCORIS of whole layers'],
  [/\.reshape_weight$/, 'a LoRA that gives layers another shape'],
  [/\.lora_\w+\.(?:weight_scale|scale_weight|input_scale)$/, 'a quantized LoRA'],
];

/** What kind of adapter a key belongs to, where it is one that cannot be used. */
export function unsupportedKind(key: string): string | undefined {
  return unsupportedKinds.find(([pattern]) => pattern.test(key))?.[1];
}

/** Names that diffusers gives to parts of the model (`convert_ltx2_to_diffusers.py`, `lora_conversion_utils.py`). */
const diffusersNames: readonly (readonly [native: RegExp, diffusers: string])[] = [
  [/^patchify_proj$/, 'proj_in'],
  [/^audio_patchify_proj$/, 'audio_proj_in'],
  [/^adaln_single\b/, 'time_embed'],
  [/^audio_adaln_single\b/, 'audio_time_embed'],
  [/^av_ca_video_scale_shift_adaln_single\b/, 'av_cross_attn_video_scale_shift'],
  [/^av_ca_audio_scale_shift_adaln_single\b/, 'av_cross_attn_audio_scale_shift'],
  [/^av_ca_a2v_gate_adaln_single\b/, 'av_cross_attn_video_a2v_gate'],
  [/^av_ca_v2a_gate_adaln_single\b/, 'av_cross_attn_audio_v2a_gate'],
  [/\bscale_shift_table_a2v_ca_(video|audio)$/, '$1_a2v_cross_attn_scale_shift_table'],
  [/\b([qk])_norm$/, 'norm_$1'],
  [/^(video|audio)_embeddings_connector\.transformer_1d_blocks\b/, 'connectors.$1_connector.transformer_blocks'],
  [/^text_embedding_projection\.aggregate_embed$/, 'connectors.text_proj_in'],
];

/** Words that exporters and trainers put before the names of modules, in any combination. */
const knownPrefix =
  /^(?:(?:base_model|model|diffusion_model|transformer|unet|dit|net|module|_orig_mod|pipe|lora|lycoris)[._])*$/;

/** A model's name may hold a number (`ltx2`); blocks of other models hold modules that have the names of ours. */
const numbersBlocks = /(?:block|layer|attention)s?[._]\d/;

/**
 * The model's own names of modules, in every spelling that files use: as in the checkpoint or as in diffusers, with dots
 * or with underscores in their place, after any prefix.
 */
export class ModuleNames {
  readonly #bySpelling = new Map<string, string>();

  constructor(modules: Iterable<string>) {
    const native = [...modules];
    const inDiffusers = (module: string): string =>
      diffusersNames.reduce((name, [own, other]) => name.replace(own, other), module);
    // The model's own spelling last: it counts where two would clash.
    const spellings = [inDiffusers, (module: string) => inDiffusers(module).replace(/^connectors\./, ''), String];
    for (const spell of spellings) {
      for (const module of native) {
        this.#bySpelling.set(spell(module).replaceAll('.', '_'), module);
        this.#bySpelling.set(spell(module), module);
      }
    }
  }

  /** Module by the name that a file has for it; modules that the model does not have are left out. */
  resolve(names: Iterable<string>): ReadonlyMap<string, string> {
    const all = [...names];
    const readings = new Map(all.map((name) => [name, this.#readings(name)]));
    const counts = new Map<string, number>();
    for (const list of readings.values()) {
      for (const { prefix } of list) counts.set(prefix, (counts.get(prefix) ?? 0) + 1);
    }
    // A prefix that nobody knows is one all the same where most of the file has it, unless it numbers blocks.
    const isPrefix = (prefix: string): boolean =>
      knownPrefix.test(prefix) || (!numbersBlocks.test(prefix) && 2 * (counts.get(prefix) ?? 0) > all.length);
    const resolved = new Map<string, string>();
    for (const [name, list] of readings) {
      const reading = list.find(({ prefix }) => isPrefix(prefix));
      if (reading !== undefined) resolved.set(name, reading.module);
    }
    return resolved;
  }

  /** Every way to read a name as a prefix and a module, the longest module first. */
  #readings(name: string): readonly { readonly prefix: string; readonly module: string }[] {
    const starts = [0, ...[...name.matchAll(/[._]/g)].map(({ index }) => index + 1)];
    return starts.flatMap((start) => {
      const module = this.#bySpelling.get(name.slice(start));
      return module === undefined ? [] : [{ prefix: name.slice(0, start), module }];
    });
  }
}

/** A module's name without the prefixes that say nothing about it. */
export function withoutPrefix(name: string): string {
  const starts = [...name.matchAll(/\./g)].map(({ index }) => index + 1).reverse();
  const start = starts.find((end) => knownPrefix.test(name.slice(0, end))) ?? 0;
  return name.slice(start);
}
