import { signal } from '@preact/signals';
import { server } from '../server/connection.ts';
import type { Clip } from './clip.ts';
import { findClip } from './history.ts';

/** What the page's own address says of the clip on show. */
const parameter = 'clip';

/** The clip that was chosen to be shown; undefined: that of the run. */
export const selectedClip = signal<Clip | undefined>(undefined);
/** One that was finished while another was looked at. */
export const unseenClip = signal<Clip | undefined>(undefined);
/** Whether the examples are to be seen in place of a clip. */
export const areExamplesWanted = signal(false);
/** How many clips fit side by side. */
const mostCompared = 4;
/** Clips that are to be shown side by side: none, one that waits for another, or several. */
export const compared = signal<readonly Clip[]>([]);

/** Where a clip can be seen again. */
export function clipAddress({ id }: Clip): string {
  return new URL(`clips/${id}`, server).href;
}

/** Has the page's address name the clip too. */
export function selectClip(clip: Clip | undefined): void {
  selectedClip.value = clip;
  areExamplesWanted.value = false;
  if (unseenClip.value?.id === clip?.id) unseenClip.value = undefined;
  const address = new URL(location.href);
  if (clip === undefined) address.searchParams.delete(parameter);
  else address.searchParams.set(parameter, clip.id);
  history.replaceState(null, '', address);
}

/** Shows the clip that the page was opened with, unless another was chosen meanwhile. @throws ServerError, OutageError */
export async function showNamedClip(): Promise<void> {
  const id = new URLSearchParams(location.search).get(parameter);
  if (id === null || selectedClip.value !== undefined) return;
  const clip = await findClip(id);
  if (clip === undefined) throw new Error('The clip that this address names is not here any more.');
  if (selectedClip.value === undefined) selectedClip.value = clip;
}

/** Shows a clip in the place of what is there, a comparison included. */
export function showClip(clip: Clip): void {
  selectClip(clip);
  if (compared.value.length > 1) compared.value = [];
  showStage();
}

/** Brings into view what is shown, which on a narrow page is above everything else. */
export function showStage(): void {
  document.getElementById('stage')?.scrollIntoView({ block: 'start' });
}

export function compareClips(clips: readonly Clip[]): void {
  compared.value = clips;
  areExamplesWanted.value = false;
}

export function showExamples(): void {
  compared.value = [];
  areExamplesWanted.value = true;
  showStage();
}

/** Takes a clip into the comparison, or out of it; one too many replaces the oldest. */
export function toggleCompared(clip: Clip): void {
  const others = compared.value.filter(({ id }) => id !== clip.id);
  compared.value = others.length < compared.value.length ? others : [...others.slice(1 - mostCompared), clip];
  areExamplesWanted.value = false;
  if (compared.value.length > 1) showStage();
}

export function isCompared(clip: Clip): boolean {
  return compared.value.some(({ id }) => id === clip.id);
}
