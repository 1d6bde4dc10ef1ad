import { signal } from '@preact/signals';
import type { Clip, Payload } from '../clips/clip.ts';
import { compareClips, selectedClip } from '../clips/selection.ts';
import { deliverFiles, isChecked, payload, replaceValues, serverProblems, setValue } from '../form/form-state.ts';
import { formProblems } from '../form/problems.ts';
import { chooseEndpoint, endpoint } from '../server/endpoints.ts';
import { startRun } from './follow-run.ts';
import { isUnderWay, run } from './run-state.ts';

/** The clip that the form was filled from, to be held against the next one. */
export const baseline = signal<Clip | undefined>(undefined);

/** How often the form was to be run or was filled anew: what waits for files then is asked for no more. */
let revision = 0;

/** Runs what the form says, or shows what is wrong with it. */
export async function runForm(): Promise<void> {
  revision += 1;
  const own = revision;
  await deliverFiles();
  if (own !== revision) return;
  isChecked.value = true;
  const [first] = Object.keys(formProblems.value);
  if (first !== undefined) return focusField(first);
  if (endpoint.value !== undefined) await runPayload(endpoint.value.id, payload.value);
}

/** The same clip once more. */
export async function runAgain(clip: Clip): Promise<void> {
  fillForm(clip);
  await runForm();
}

/** Fills the form with what a clip was made from, its seed included, for changing one thing. */
export function changeOneThing(clip: Clip): void {
  fillForm(clip);
  baseline.value = clip;
  focusField('prompt');
}

export function focusField(name: string): void {
  const field = document.getElementById(`field-${name}`);
  const control = field?.querySelector<HTMLElement>('input, textarea, select, button') ?? field;
  field?.scrollIntoView({ block: 'center' });
  control?.focus({ preventScroll: true });
}

function fillForm({ endpoint: id, input, output }: Clip): void {
  revision += 1;
  chooseEndpoint(id);
  replaceValues(input);
  setValue('seed', output.seed);
}

async function runPayload(endpointId: string, input: Payload): Promise<void> {
  if (isUnderWay(run.value)) return;
  serverProblems.value = {};
  selectedClip.value = undefined;
  document.getElementById('stage')?.scrollIntoView({ block: 'nearest' });
  await startRun(endpointId, input);
  const { clip, failure } = run.value ?? {};
  if (failure !== undefined) serverProblems.value = problemsOf(failure.fields, input);
  if (clip !== undefined && baseline.value !== undefined) compareClips(baseline.value, clip);
  if (clip !== undefined) baseline.value = undefined;
}

/** What the server says about fields that still hold what was sent; about others it says nothing any more. */
function problemsOf(fields: Readonly<Record<string, string>>, sent: Payload): Readonly<Record<string, string>> {
  const isKept = (field: string): boolean => JSON.stringify(payload.value[field]) === JSON.stringify(sent[field]);
  return Object.fromEntries(Object.entries(fields).filter(([path]) => isKept(path.split('.', 1)[0] ?? path)));
}
