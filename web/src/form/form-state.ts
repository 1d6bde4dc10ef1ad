import { computed, effect, type Signal, signal } from '@preact/signals';
import { laxScalar } from '../../../src/contract/input/lax-values.ts';
import type { Payload } from '../clips/clip.ts';
import { Address, type FileInput } from '../files/file-input.ts';
import { Picture } from '../picture/picture.ts';
import { isOwnUrl } from '../server/connection.ts';
import { fieldSchema, inputSchema } from '../server/endpoints.ts';
import type { FieldSchema } from '../server/input-schema.ts';
import { defaultOf, proposalFor } from '../server/page-defaults.ts';
import type { Recording } from '../sound/recording.ts';
import { Sound } from '../sound/sound.ts';

const storageName = 'soundstage.form';

/** What the fields that name files can hold. */
interface FileInputs {
  readonly audio_url: Sound | Recording | Address;
  readonly image_url: Picture | Address;
  readonly end_image_url: Picture | Address;
  readonly anchor_url: Picture | Address;
}

type FileField = keyof FileInputs;
export type PictureField = Exclude<FileField, 'audio_url'>;

/** What the user has set of the other fields; one that is not in it has its default. */
export const values = signal<Payload>({});
/** What the fields that name files hold: what is shown and what is sent are told by these alone. */
export const files: { readonly [Field in FileField]: Signal<FileInputs[Field] | undefined> } = {
  audio_url: signal(undefined),
  image_url: signal(undefined),
  end_image_url: signal(undefined),
  anchor_url: signal(undefined),
};
/** Messages of the server about fields, by path such as `loras.0.path`. */
export const serverProblems = signal<Readonly<Record<string, string>>>({});
/** Whether problems of fields that were never touched are shown. */
export const isChecked = signal(false);

/** A LoRA as the form keeps it. */
export interface LoraEntry {
  readonly path: string;
  readonly scale: number;
  readonly weight_name?: string;
}

export function currentValue(name: string): unknown {
  return values.value[name] ?? defaultOf(name);
}

/** Undefined takes the value away, so that the default holds. */
export function setValue(name: string, value: unknown): void {
  const { [name]: _, ...others } = values.value;
  values.value = value === undefined ? others : { ...others, [name]: value };
  forgetProblems(name);
}

/** Undefined leaves the field empty. What it held before is released. */
export function setFile<Field extends FileField>(name: Field, input: FileInputs[Field] | undefined): void {
  const before: FileInput | undefined = files[name].value;
  files[name].value = input;
  forgetProblems(name);
  before?.release();
}

/** Fills the form with what a request was sent with. */
export function replaceValues(input: Payload): void {
  const { properties } = inputSchema.value;
  const known = Object.entries(input).filter(([name]) => name in properties && !(name in files));
  // What a request leaves out has the endpoint's default, not that of this page.
  const leftOut = Object.keys(properties).filter((name) => proposalFor(name) !== undefined);
  const defaults = leftOut.map((name) => [name, fieldSchema(name).default] as const);
  values.value = {
    ...withoutNulls(defaults),
    ...withoutNulls(known.map(([name, value]) => [name, plain(value, fieldSchema(name))])),
  };
  setFiles(input);
  serverProblems.value = {};
}

export function loras(): readonly LoraEntry[] {
  const list = values.value.loras;
  return Array.isArray(list) ? (list as LoraEntry[]) : [];
}

/** Rows that are still empty are left out. */
function namedLoras(): readonly LoraEntry[] {
  return loras().filter(({ path }) => path.trim() !== '');
}

/** Whether a field makes a difference; one that makes none is neither shown nor sent. */
export function isOfUse(name: string): boolean {
  return name !== 'camera_lora_scale' || currentValue('camera_lora') !== 'none';
}

/** What is sent: the fields that differ from their defaults, and those that are required. */
export const payload = computed<Payload>(() => {
  const { properties, required } = inputSchema.value;
  const urls = Object.fromEntries(Object.entries(readyUrls()).filter(([name]) => name in properties));
  const given = Object.keys(properties)
    .filter(isOfUse)
    .flatMap((name) => {
      const value = name === 'loras' ? namedLoras() : ({ ...values.value, ...urls }[name] ?? proposalFor(name));
      const isDefault = JSON.stringify(value) === JSON.stringify(properties[name]?.default);
      return value === undefined || (isDefault && !required.includes(name)) ? [] : [[name, value]];
    });
  return Object.fromEntries(given);
});

/** What the field holds where it names a file. */
export function fileInput(name: string): FileInput | undefined {
  return Object.entries(files).find(([field]) => field === name)?.[1].value;
}

/** Resolves when nothing that the form shows is on its way to the server any more. What had failed is sent again. */
export async function deliverFiles(): Promise<void> {
  for (const input of held()) void input.deliver();
  const { promise, resolve } = Promise.withResolvers<void>();
  // Others may be chosen, cut or taken away meanwhile; what the form does not show any more is not waited for.
  const stop = effect(() => {
    if (held().every(({ delivery }) => delivery.value.state !== 'pending')) resolve();
  });
  await promise;
  stop();
}

restore();
effect(() => {
  const form = JSON.stringify({ ...values.value, ...readyUrls() });
  try {
    localStorage.setItem(storageName, form);
  } catch {
    // There is no room, for a data URI perhaps: the form is then not kept over a reload.
  }
});

function restore(): void {
  try {
    const stored: unknown = JSON.parse(localStorage.getItem(storageName) ?? '{}');
    if (typeof stored !== 'object' || stored === null) return;
    values.value = withoutNulls(Object.entries(stored).filter(([name]) => !(name in files)));
    setFiles(stored as Payload);
  } catch {
    // Something else was stored under the name; the form begins empty.
  }
}

function setFiles({ audio_url: sound, image_url: first, end_image_url: last, anchor_url: anchor }: Payload): void {
  setNamed('audio_url', sound, Sound.stored);
  setNamed('image_url', first, Picture.stored);
  setNamed('end_image_url', last, Picture.stored);
  setNamed('anchor_url', anchor, Picture.stored);
}

/** Files of this server are shown, and any other URL as it is. */
function setNamed<Field extends FileField>(
  name: Field,
  url: unknown,
  stored: (url: string) => FileInputs[Field],
): void {
  const delivery = fileInput(name)?.delivery.value;
  if (delivery?.state === 'ready' && delivery.url === url) return;
  if (typeof url !== 'string' || url.trim() === '') setFile(name, undefined);
  else setFile(name, isOwnUrl(url) ? stored(url) : new Address(url));
}

function readyUrls(): Readonly<Record<string, string>> {
  const found = Object.entries(files).flatMap(([name, { value: input }]) => {
    const delivery = input?.delivery.value;
    return delivery?.state === 'ready' ? [[name, delivery.url] as const] : [];
  });
  return Object.fromEntries(found);
}

function held(): readonly FileInput[] {
  return Object.values(files).flatMap(({ value }): readonly FileInput[] => (value === undefined ? [] : [value]));
}

function forgetProblems(name: string): void {
  const kept = Object.entries(serverProblems.value).filter(([path]) => path !== name && !path.startsWith(`${name}.`));
  serverProblems.value = Object.fromEntries(kept);
}

/** A value as the form's controls give it, of one that a program sent: texts that stand for numbers, nothing left out. */
function plain(value: unknown, schema: FieldSchema): unknown {
  const { type } = schema;
  if (type === 'integer' || type === 'number' || type === 'boolean') {
    const read = laxScalar(type, value);
    return read.ok ? read.value : value;
  }
  if (Array.isArray(value)) return value.map((item) => plain(item, schema.items ?? {}));
  if (typeof value !== 'object' || value === null) return value;
  const properties = schema.properties ?? schema.anyOf?.find((choice) => choice.properties)?.properties ?? {};
  const defaults = Object.entries(properties).map(([name, { default: value }]) => [name, value] as const);
  const given = Object.entries(value).map(([name, item]) => [name, plain(item, properties[name] ?? {})] as const);
  return { ...withoutNulls(defaults), ...withoutNulls(given) };
}

function withoutNulls(entries: readonly (readonly [string, unknown])[]): Readonly<Record<string, unknown>> {
  return Object.fromEntries(entries.filter(([, value]) => value !== null && value !== undefined));
}
