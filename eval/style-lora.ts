import { access } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { WeightSet } from '../src/models/weight-folder.ts';

export const styleNames = ['ink', 'neon'] as const;

export type StyleName = (typeof styleNames)[number];

/** The file of a style LoRA beside the weights; undefined where there is none. */
export async function styleLora(style: StyleName, { bundle }: Pick<WeightSet, 'bundle'>): Promise<string | undefined> {
  const path = join(dirname(bundle), `loras/nano-style-${style}.safetensors`);
  return await access(path).then(
    () => path,
    () => undefined,
  );
}
