import { fileURLToPath } from 'node:url';
import { SoundstageError } from '../shared/errors.ts';
import type { CameraMove } from './camera-moves.ts';

/** Files of one repository on the hub that belong together. */
export interface HubFiles {
  readonly repo: string;
  readonly revision: string;
  readonly files: readonly string[];
  /** Fetched where the repository has them. */
  readonly optional?: readonly string[];
  /** A JSON file that lists the shards in `weight_map`; they belong to the set too. */
  readonly shardIndex?: string;
}

export interface HubWeightSet {
  readonly kind: 'hub';
  readonly id: string;
  readonly title: string;
  /** Approximate bytes, without camera LoRAs. */
  readonly bytes: number;
  readonly bundle: HubFiles;
  readonly upscaler: HubFiles;
  readonly textEncoder: HubFiles;
  readonly cameraLoras: Readonly<Record<CameraMove, HubFiles>>;
}

/** Weights that ship with the program. */
export interface EmbeddedWeightSet {
  readonly kind: 'embedded';
  readonly id: string;
  readonly title: string;
  readonly folder: string;
  readonly bundle: string;
  readonly upscaler: string;
  readonly textEncoder: string;
}

export type WeightSetEntry = EmbeddedWeightSet | HubWeightSet;

const nanoFolder = '../../models/nano/';

const ltx2Files = { repo: 'Lightricks/LTX-2', revision: 'main' } as const;

const upscalerFiles: HubFiles = { ...ltx2Files, files: ['ltx-2-spatial-upscaler-x2-1.0.safetensors'] };

const gemmaFiles: HubFiles = {
  repo: 'google/gemma-3-12b-it-qat-q4_0-unquantized',
  revision: 'main',
  files: ['config.json', 'tokenizer.json', 'tokenizer_config.json'],
  optional: ['generation_config.json', 'chat_template.json', 'chat_template.jinja', 'preprocessor_config.json'],
  shardIndex: 'model.safetensors.index.json',
};

const cameraMoveFiles: HubWeightSet['cameraLoras'] = {
  dolly_in: cameraLora('dolly_in'),
  dolly_out: cameraLora('dolly_out'),
  dolly_left: cameraLora('dolly_left'),
  dolly_right: cameraLora('dolly_right'),
  jib_up: cameraLora('jib_up'),
  jib_down: cameraLora('jib_down'),
  static: cameraLora('static'),
};

export const weightSets: readonly WeightSetEntry[] = [
  {
    kind: 'embedded',
    id: 'nano',
    title: 'embedded miniature: talking cartoons and other drawings',
    folder: fromHere(nanoFolder),
    bundle: 'ltx-2-nano-distilled.safetensors',
    upscaler: 'ltx-2-nano-spatial-upscaler-x2-1.0.safetensors',
    textEncoder: 'gemma',
  },
  {
    kind: 'hub',
    id: 'ltx-2-19b-distilled',
    title: 'LTX-2 19B distilled, bf16',
    bytes: 68.7e9,
    bundle: { ...ltx2Files, files: ['ltx-2-19b-distilled.safetensors'] },
    upscaler: upscalerFiles,
    textEncoder: gemmaFiles,
    cameraLoras: cameraMoveFiles,
  },
  {
    kind: 'hub',
    id: 'ltx-2-19b-distilled-fp8',
    title: 'LTX-2 19B distilled, transformer in fp8',
    bytes: 52.5e9,
    bundle: { ...ltx2Files, files: ['ltx-2-19b-distilled-fp8.safetensors'] },
    upscaler: upscalerFiles,
    textEncoder: gemmaFiles,
    cameraLoras: cameraMoveFiles,
  },
];

export function findWeightSet(id: string): WeightSetEntry | undefined {
  return weightSets.find((entry) => entry.id === id);
}

/** @throws SoundstageError `input` that lists the known ids */
export function weightSet(id: string): WeightSetEntry {
  const entry = findWeightSet(id);
  if (entry !== undefined) return entry;
  const ids = weightSets.map((known) => known.id).join(', ');
  throw new SoundstageError('input', `there are no weights named ${id}: choose one of ${ids}`, { field: 'model' });
}

function cameraLora(move: CameraMove): HubFiles {
  const words = move.split('_');
  const title = words.map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join('-');
  return {
    repo: `Lightricks/LTX-2-19b-LoRA-Camera-Control-${title}`,
    revision: 'main',
    files: [`ltx-2-19b-lora-camera-control-${words.join('-')}.safetensors`],
  };
}

function fromHere(path: string): string {
  return fileURLToPath(new URL(path, import.meta.url));
}
