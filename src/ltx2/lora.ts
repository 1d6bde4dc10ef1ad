import { readSafetensorsHeader, type SafetensorsHeader, type StoredTensor } from '../graph/safetensors.ts';
import { readStoredFloats } from '../graph/stored-tensor-values.ts';
import { SoundstageError } from '../shared/errors.ts';
import type { LinearModule } from './transformer/modules.ts';

/** The low-rank pair for one linear layer: `W += scale·B·A`. */
export interface LoraPair {
  /** `[rank, in]` */
  readonly a: StoredTensor;
  /** `[out, rank]` */
  readonly b: StoredTensor;
  /** alpha/rank where the file has an alpha, else 1. */
  readonly scale: number;
}

/** A LoRA file matched against a model's linear layers. */
export interface Lora {
  readonly path: string;
  readonly pairs: ReadonlyMap<string, LoraPair>;
  /** Modules the model has, but with another shape. */
  readonly shapeMismatch: readonly string[];
  /** Modules the model does not have. */
  readonly unmatched: readonly string[];
}

/** A LoRA and how strongly it is applied. */
export interface AppliedLora {
  readonly lora: Lora;
  readonly strength: number;
}

/**
 * Reads a LoRA's header and matches its keys: official (`diffusion_model.….lora_A/lora_B`), diffusers
 * (`transformer.…` with renamed modules) and kohya (`lora_down/lora_up/alpha`).
 */
export async function readLora(path: string, modules: ReadonlyMap<string, LinearModule>): Promise<Lora> {
  const header = await readSafetensorsHeader(path);
  const pairs = new Map<string, LoraPair>();
  const shapeMismatch: string[] = [];
  const unmatched: string[] = [];
  for (const [fileModule, parts] of groupByModule(header)) {
    const module = nativeModule(fileModule);
    const target = module === undefined ? undefined : modules.get(module);
    const { a, b, alpha } = parts;
    if (module === undefined || target === undefined || a === undefined || b === undefined) {
      unmatched.push(module ?? fileModule);
    } else if (a.shape[1] !== target.inputs || b.shape[0] !== target.outputs || a.shape[0] !== b.shape[1]) {
      shapeMismatch.push(module);
    } else {
      const rank = a.shape[0] ?? 1;
      const scale = alpha === undefined ? 1 : ((await readStoredFloats(alpha))[0] as number) / rank;
      pairs.set(module, { a, b, scale });
    }
  }
  return Object.freeze({ path, pairs, shapeMismatch: shapeMismatch.sort(), unmatched: unmatched.sort() });
}

/** @throws SoundstageError `input` at `field`, naming up to five keys that match nothing in the model */
export function requireMatch(lora: Lora, field = 'loras'): void {
  const strays = [...lora.shapeMismatch, ...lora.unmatched];
  if (strays.length === 0 && lora.pairs.size > 0) return;
  const names = strays.slice(0, 5).join(', ');
  const more = strays.length > 5 ? ` and ${strays.length - 5} more` : '';
  const what =
    strays.length === 0 ? 'it holds no LoRA weights' : `these modules do not fit this model: ${names}${more}`;
  throw new SoundstageError('input', `${lora.path} cannot be used as a LoRA: ${what}`, { field });
}

interface ModuleParts {
  a?: StoredTensor;
  b?: StoredTensor;
  alpha?: StoredTensor;
}

const roles: readonly (readonly [suffix: RegExp, role: keyof ModuleParts])[] = [
  [/\.lora_(A|down)(\.default)?\.weight$/, 'a'],
  [/\.lora_(B|up)(\.default)?\.weight$/, 'b'],
  [/\.alpha$/, 'alpha'],
];

function groupByModule(header: SafetensorsHeader): Map<string, ModuleParts> {
  const groups = new Map<string, ModuleParts>();
  for (const [key, tensor] of header.tensors) {
    const match = roles.find(([suffix]) => suffix.test(key));
    // A key of another kind forms a group without a pair, which is reported as unmatched.
    const module = match === undefined ? key : key.replace(match[0], '');
    const parts = groups.get(module) ?? {};
    if (match !== undefined) parts[match[1]] = tensor;
    groups.set(module, parts);
  }
  return groups;
}

/** Module path in the checkpoint's naming; undefined for keys outside the transformer. */
function nativeModule(fileModule: string): string | undefined {
  const official = /^(?:model\.)?diffusion_model\.(.+)$/.exec(fileModule)?.[1];
  if (official !== undefined) return official;
  const diffusers = /^transformer\.(.+)$/.exec(fileModule)?.[1];
  if (diffusers === undefined) return undefined;
  const [first = '', ...rest] = diffusers.split('.');
  return [diffusersNames.get(first) ?? first, ...rest].join('.');
}

/** Modules outside the blocks that diffusers renamed (`convert_ltx2_to_diffusers.py`). */
const diffusersNames: ReadonlyMap<string, string> = new Map([
  ['proj_in', 'patchify_proj'],
  ['audio_proj_in', 'audio_patchify_proj'],
  ['time_embed', 'adaln_single'],
  ['audio_time_embed', 'audio_adaln_single'],
  ['av_cross_attn_video_scale_shift', 'av_ca_video_scale_shift_adaln_single'],
  ['av_cross_attn_audio_scale_shift', 'av_ca_audio_scale_shift_adaln_single'],
  ['av_cross_attn_video_a2v_gate', 'av_ca_a2v_gate_adaln_single'],
  ['av_cross_attn_audio_v2a_gate', 'av_ca_v2a_gate_adaln_single'],
]);
