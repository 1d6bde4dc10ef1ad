import { signal } from '@preact/signals';
import type { Clip } from './clip.ts';

/** The clip of the gallery that is shown large; undefined: that of the run. */
export const selectedClip = signal<Clip | undefined>(undefined);
/** Clips that are to be shown side by side: none, one that waits for another, or two. */
export const compared = signal<readonly Clip[]>([]);

export function compareClips(first: Clip, second: Clip): void {
  compared.value = [first, second];
}

/** Takes a clip into the comparison, or out of it; a third one replaces the older of the two. */
export function toggleCompared(clip: Clip): void {
  const others = compared.value.filter(({ id }) => id !== clip.id);
  compared.value = others.length < compared.value.length ? others : [...others.slice(-1), clip];
}

export function isCompared(clip: Clip): boolean {
  return compared.value.some(({ id }) => id === clip.id);
}
