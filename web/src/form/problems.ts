import { computed } from '@preact/signals';
import { inputSchema } from '../server/endpoints.ts';
import type { FieldSchema } from '../server/input-schema.ts';
import { fileInput, isChecked, isOfUse, loras, serverProblems, values } from './form-state.ts';

/** Why a value is none that the schema allows; undefined: it is fine. */
export function problemOf(value: unknown, schema: FieldSchema): string | undefined {
  const { minimum = Number.NEGATIVE_INFINITY, maximum = Number.POSITIVE_INFINITY } = schema;
  if (schema.type === 'number' || schema.type === 'integer') {
    if (typeof value !== 'number' || Number.isNaN(value)) return 'Enter a number.';
    if (schema.type === 'integer' && !Number.isInteger(value)) return 'Enter a whole number.';
    if (value < minimum || value > maximum) return `Enter a number from ${minimum} to ${maximum}.`;
  }
  if (schema.type === 'string' && typeof value === 'string') {
    const length = [...value.trim()].length;
    if (length > (schema.maxLength ?? length)) return `At most ${schema.maxLength} characters; these are ${length}.`;
  }
  return undefined;
}

const missing: Readonly<Record<string, string>> = {
  audio_url: 'Add a recording: drop a file, pick one, or record.',
  prompt: 'Say what should be seen.',
};

/** What is wrong with the form as it is, by field. */
export const formProblems = computed<Readonly<Record<string, string>>>(() => {
  const { properties, required } = inputSchema.value;
  const found: Record<string, string> = {};
  for (const [name, schema] of Object.entries(properties)) {
    if (!isOfUse(name)) continue;
    const delivery = fileInput(name)?.delivery.value;
    if (delivery?.state === 'absent' || delivery?.state === 'failed') found[name] = delivery.problem;
    if (delivery !== undefined) continue;
    const value = values.value[name];
    const isMissing = value === undefined || (typeof value === 'string' && value.trim() === '');
    if (isMissing && required.includes(name) && name in missing) found[name] = missing[name] ?? '';
    const problem = isMissing ? undefined : (problemOf(value, schema) ?? sizeProblem(name, value, schema));
    if (problem !== undefined) found[name] = problem;
  }
  const most = properties.loras?.maxItems;
  if (most !== undefined && loras().length > most) found.loras = `At most ${most} LoRAs fit into one clip.`;
  return found;
});

/** What to show beside a field: the server's word first. */
export function shownProblem(path: string): string | undefined {
  const own = formProblems.value[path];
  const isMissing = own === missing[path] || fileInput(path)?.delivery.value.state === 'absent';
  return serverProblems.value[path] ?? (isMissing && !isChecked.value ? undefined : own);
}

function sizeProblem(name: string, value: unknown, schema: FieldSchema): string | undefined {
  if (name !== 'video_size' || typeof value !== 'object' || value === null) return undefined;
  const sides = schema.anyOf?.find(({ properties }) => properties !== undefined)?.properties ?? {};
  for (const [side, sideSchema] of Object.entries(sides)) {
    const problem = problemOf((value as Record<string, unknown>)[side], sideSchema);
    if (problem !== undefined) return `${sideSchema.title}: ${problem}`;
  }
  return undefined;
}
