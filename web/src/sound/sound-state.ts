import { computed, signal } from '@preact/signals';
import { setValue, values } from '../form/form-state.ts';
import { fal, fileName, isOwnUrl, messageOf } from '../server/connection.ts';
import { decodeSound } from './decode-sound.ts';
import { type Trim, waveFile } from './wave-file.ts';

export interface Sound {
  readonly name: string;
  readonly source: Blob;
  /** Absent where this browser cannot decode it; the server may. */
  readonly samples: AudioBuffer | undefined;
  readonly trim: Trim;
  /** URL of the whole recording on the server, once it is there. */
  readonly wholeUrl: string | undefined;
}

export const sound = signal<Sound | undefined>(undefined);
/** What is being done about the recording, or what went wrong with it. */
export const soundActivity = signal<{ readonly text: string; readonly failed: boolean } | undefined>(undefined);

/** Seconds that will be sent; undefined where they are not known. */
export const soundSeconds = computed(() =>
  sound.value?.samples === undefined ? undefined : sound.value.trim.end - sound.value.trim.start,
);

const uploadDelay = 500;
let timer: ReturnType<typeof setTimeout> | undefined;
let underWay: Promise<void> = Promise.resolve();
/** Counts choices, so that what comes late for an earlier one is dropped. */
let choice = 0;

/** Takes a recording as the sound of the clip, and sends it to the server. */
export async function chooseSound(source: Blob, name: string, wholeUrl?: string): Promise<void> {
  choice += 1;
  const mine = choice;
  soundActivity.value = { text: 'Reading the recording…', failed: false };
  const samples = await decodeSound(source);
  if (mine !== choice) return;
  sound.value = { name, source, samples, trim: { start: 0, end: samples?.duration ?? 0 }, wholeUrl };
  soundActivity.value = undefined;
  if (wholeUrl === undefined) await settleSound();
}

export function trimSound(trim: Trim): void {
  if (sound.value === undefined) return;
  sound.value = { ...sound.value, trim };
  setValue('audio_url', undefined);
  clearTimeout(timer);
  timer = setTimeout(() => void settleSound(), uploadDelay);
}

/** Resolves when the chosen recording is on the server, trimmed as it is now. */
export async function settleSound(): Promise<void> {
  clearTimeout(timer);
  await underWay;
  const current = sound.value;
  if (current === undefined || values.value.audio_url !== undefined) return;
  underWay = send(current);
  await underWay;
}

export function removeSound(): void {
  choice += 1;
  clearTimeout(timer);
  sound.value = undefined;
  soundActivity.value = undefined;
  setValue('audio_url', undefined);
}

/** Shows the recording that the form names, where it is a file of this server. */
export async function showNamedSound(): Promise<void> {
  const url = values.value.audio_url;
  sound.value = undefined;
  soundActivity.value = undefined;
  if (typeof url !== 'string' || !isOwnUrl(url)) return;
  const reply = await fetch(url).catch(() => undefined);
  if (reply?.ok !== true) {
    soundActivity.value = { text: 'This recording is not on the server any more: choose another one.', failed: true };
    return;
  }
  await chooseSound(await reply.blob(), fileName(url), url);
}

async function send(current: Sound): Promise<void> {
  const mine = choice;
  soundActivity.value = { text: 'Sending the recording…', failed: false };
  try {
    const url = isWhole(current)
      ? (current.wholeUrl ?? (await upload(current.source, current.name)))
      : await cut(current);
    if (mine !== choice || sound.value === undefined) return;
    if (isWhole(current)) sound.value = { ...sound.value, wholeUrl: url };
    // It may have been trimmed again meanwhile; the next one is on its way then.
    if (sound.value.trim === current.trim) setValue('audio_url', url);
    soundActivity.value = undefined;
  } catch (error) {
    soundActivity.value = { text: `The recording could not be sent: ${messageOf(error)}`, failed: true };
  }
}

function cut({ samples, trim, name }: Sound): Promise<string> {
  if (samples === undefined) throw new Error('This browser cannot cut the recording');
  return upload(waveFile(samples, trim), `${name.replace(/\.[^.]*$/, '')}-cut.wav`);
}

function isWhole({ samples, trim }: Sound): boolean {
  return samples === undefined || (trim.start === 0 && trim.end >= samples.duration);
}

function upload(blob: Blob, name: string): Promise<string> {
  return fal.storage.upload(new File([blob], name, { type: blob.type || 'application/octet-stream' }));
}
