import { signal } from '@preact/signals';
import type { Clip, Payload } from '../clips/clip.ts';
import { compareClips, selectedClip } from '../clips/selection.ts';
import { isChecked, payload, replaceValues, serverProblems, setValue } from '../form/form-state.ts';
import { formProblems } from '../form/problems.ts';
import { settlePictures, showNamedPicture } from '../picture/picture-state.ts';
import { settleSound, showNamedSound } from '../sound/sound-state.ts';
import { startRun } from './follow-run.ts';
import { isUnderWay, run } from './run-state.ts';

/** The clip that the form was filled from, to be held against the next one. */
export const baseline = signal<Clip | undefined>(undefined);

/** Runs what the form says, or shows what is wrong with it. */
export async function runForm(): Promise<void> {
  await Promise.all([settleSound(), settlePictures()]);
  isChecked.value = true;
  const [first] = Object.keys(formProblems.value);
  if (first !== undefined) return focusField(first);
  await runPayload(payload.value);
}

/** The same clip once more. */
export async function runAgain(clip: Clip): Promise<void> {
  await fillForm(clip);
  await runPayload(payload.value);
}

/** Fills the form with what a clip was made from, its seed included, for changing one thing. */
export async function changeOneThing(clip: Clip): Promise<void> {
  await fillForm(clip);
  baseline.value = clip;
  focusField('prompt');
}

export function focusField(name: string): void {
  const field = document.getElementById(`field-${name}`);
  const control = field?.querySelector<HTMLElement>('input, textarea, select, button') ?? field;
  field?.scrollIntoView({ block: 'center' });
  control?.focus({ preventScroll: true });
}

async function fillForm({ input, output }: Clip): Promise<void> {
  replaceValues(input);
  setValue('seed', output.seed);
  await Promise.all([showNamedSound(), showNamedPicture('image_url'), showNamedPicture('end_image_url')]);
}

async function runPayload(input: Payload): Promise<void> {
  if (isUnderWay(run.value)) return;
  serverProblems.value = {};
  selectedClip.value = undefined;
  document.getElementById('stage')?.scrollIntoView({ block: 'nearest' });
  await startRun(input);
  const { clip, failure } = run.value ?? {};
  if (failure !== undefined) serverProblems.value = failure.fields;
  if (clip !== undefined && baseline.value !== undefined) compareClips(baseline.value, clip);
  if (clip !== undefined) baseline.value = undefined;
}
