import { openCheckpoint } from '../graph/weights/checkpoint.ts';
import { type AdaptableModules, adaptableModules } from '../ltx2/adaptable-modules.ts';
import { type Lora, readLora, requireUsable } from '../ltx2/lora/lora.ts';
import { SoundstageError } from '../shared/errors.ts';
import type { LoraChoice } from './plan/plan.ts';

/**
 * Reads what a LoRA file says of its weights, and matches it with a model's modules.
 *
 * @throws SoundstageError `input` at the choice's field, or `weights` where it has none: a camera's file
 */
export async function usableLora({ path, field }: LoraChoice, modules: AdaptableModules): Promise<Lora> {
  const lora = await readLora(path, modules).catch((error: unknown) => {
    throw blameField(error, field);
  });
  requireUsable(lora, field);
  return lora;
}

/**
 * Says what is wrong with the LoRAs of a clip before anything is computed for it.
 *
 * @throws SoundstageError as `usableLora`
 */
export async function checkLoras(choices: readonly LoraChoice[], bundle: string): Promise<void> {
  if (choices.length === 0) return;
  const modules = adaptableModules(await openCheckpoint(bundle));
  for (const choice of choices) await usableLora(choice, modules);
}

/** A file the request brought along is the request's fault. */
function blameField(error: unknown, field: string | undefined): unknown {
  if (field === undefined || !(error instanceof SoundstageError) || error.kind !== 'weights') return error;
  return new SoundstageError('input', error.message, { field, cause: error });
}
