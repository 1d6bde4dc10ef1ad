import { computed, effect, signal } from '@preact/signals';
import type { Payload } from '../clips/clip.ts';
import { fieldSchema, inputSchema } from '../server/input-schema.ts';

const storageName = 'soundstage.form';

/** What the user has set; a field that is not in it has its default. */
export const values = signal<Payload>(storedForm());
/** Messages of the server about fields, by path such as `loras.0.path`. */
export const serverProblems = signal<Readonly<Record<string, string>>>({});
/** Whether problems of fields that were never touched are shown. */
export const isChecked = signal(false);

effect(() => localStorage.setItem(storageName, JSON.stringify(values.value)));

/** A LoRA as the form keeps it. */
export interface LoraEntry {
  readonly path: string;
  readonly scale: number;
  readonly weight_name?: string;
}

export function currentValue(name: string): unknown {
  return values.value[name] ?? fieldSchema(name).default;
}

/** Undefined takes the value away, so that the default holds. */
export function setValue(name: string, value: unknown): void {
  const { [name]: _, ...others } = values.value;
  values.value = value === undefined ? others : { ...others, [name]: value };
  const kept = Object.entries(serverProblems.value).filter(([path]) => path !== name && !path.startsWith(`${name}.`));
  serverProblems.value = Object.fromEntries(kept);
}

export function replaceValues(input: Payload): void {
  const known = Object.entries(input).filter(([name, value]) => name in inputSchema.value.properties && value !== null);
  values.value = Object.fromEntries(known);
  serverProblems.value = {};
}

export function loras(): readonly LoraEntry[] {
  const list = values.value.loras;
  return Array.isArray(list) ? (list as LoraEntry[]) : [];
}

/** What is sent: the fields that differ from their defaults, and those that are required. */
export const payload = computed<Payload>(() => {
  const { properties, required } = inputSchema.value;
  const given = Object.keys(properties).flatMap((name) => {
    const value = name === 'loras' ? loras() : values.value[name];
    const isDefault = JSON.stringify(value) === JSON.stringify(properties[name]?.default);
    return value === undefined || (isDefault && !required.includes(name)) ? [] : [[name, value]];
  });
  return Object.fromEntries(given);
});

function storedForm(): Payload {
  try {
    const stored: unknown = JSON.parse(localStorage.getItem(storageName) ?? '{}');
    return typeof stored === 'object' && stored !== null ? (stored as Payload) : {};
  } catch {
    // Something else was stored under the name; the form begins empty.
    return {};
  }
}
