import { SoundstageError } from '../../shared/errors.ts';

/**
 * The `.safetensors` file that is meant among those of a repository or folder.
 *
 * @param field of the LoRA's `path`
 * @throws SoundstageError `input` that lists the files
 */
export function chooseLora(names: readonly string[], wanted: string | undefined, place: string, field: string): string {
  const files = names.filter(isLoraName).sort();
  const [first] = files;
  if (first === undefined) throw new SoundstageError('input', `${place} has no .safetensors file`, { field });
  const nameField = field.replace(/path$/, 'weight_name');
  if (wanted === undefined) {
    if (files.length === 1) return first;
    const message = `${place} has several .safetensors files: set weight_name to one of ${list(files)}`;
    throw new SoundstageError('input', message, { field: nameField });
  }
  if (files.includes(wanted)) return wanted;
  const message = `${place} has no .safetensors file ${JSON.stringify(wanted.slice(0, 200))}: set weight_name to one of ${list(files)}`;
  throw new SoundstageError('input', message, { field: nameField });
}

/** Whether a path relative to a repository or folder stays within it. */
function isLoraName(name: string): boolean {
  const parts = name.split('/');
  return name.endsWith('.safetensors') && !/[\\\0]/.test(name) && parts.every((part) => !/^\.{0,2}$/.test(part));
}

function list(names: readonly string[]): string {
  const shown = names.slice(0, 10).join(', ');
  return names.length > 10 ? `${shown} and ${names.length - 10} more` : shown;
}
