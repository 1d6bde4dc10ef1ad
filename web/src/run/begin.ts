import { signal } from '@preact/signals';
import { filmId } from '../../../src/contract/film/film-id.ts';
import type { Attempt, Clip, Payload } from '../clips/clip.ts';
import { clips } from '../clips/history.ts';
import { compareClips, compared, selectClip, selectedClip, showStage, unseenClip } from '../clips/selection.ts';
import type { Film } from '../film/film.ts';
import {
  deliverFiles,
  isChecked,
  payload,
  replaceValues,
  serverProblems,
  setFile,
  setValue,
} from '../form/form-state.ts';
import { formProblems } from '../form/problems.ts';
import { estimatedSeconds } from '../form/time-estimate.ts';
import { untilAnswered } from '../server/connection.ts';
import { chooseEndpoint, endpoint } from '../server/endpoints.ts';
import { installation, loadInstallation } from '../server/installation.ts';
import type { Sound } from '../sound/sound.ts';
import { resumeRun, startRun } from './follow-run.ts';
import { isUnderWay, type Part, run } from './run-state.ts';

/** The clip that the form was filled from, to be held against the next one. */
export const baseline = signal<Clip | undefined>(undefined);

/** How many there are; the first comes after the last. */
const seeds = 2 ** 32;
/** How often the form was to be run or was filled anew: what waits for files then is asked for no more. */
let revision = 0;

/** Runs what the form says, with as many seeds as `count`, or shows what is wrong with it. */
export async function runForm(count = 1): Promise<void> {
  revision += 1;
  const own = revision;
  await deliverFiles();
  // What the page proposes depends on what is installed.
  await untilAnswered(knowInstallation, () => {});
  if (own !== revision) return;
  isChecked.value = true;
  const first = firstOf(Object.keys(formProblems.value));
  if (first !== undefined) return focusField(first);
  if (endpoint.value === undefined) return;
  if (count === 1) await runPayload(endpoint.value.id, payload.value);
  else await runSeeds(endpoint.value.id, payload.value, count);
}

/** Takes up what was under way when the page was left, and what was to follow it. */
export async function resume(): Promise<void> {
  await resumeRun();
  const { endpoint: id, input, clip, part } = run.value ?? {};
  if (id === undefined || clip === undefined || part === undefined) return;
  await runSeries(id, withNextSeed(input, clip), following(part, clip));
}

/** The same clip once more. */
export async function runAgain(clip: Clip): Promise<void> {
  fillForm(clip, clip.output.seed);
  await runForm();
}

/** A part of a film once more, with another seed and, where it differs, another prompt; the others stay as they are. */
export async function remakePart({ endpoint: id, id: film, output: { parts } }: Film, index: number, prompt: string) {
  const isAsBefore = parts[index]?.prompt === prompt;
  const edited = parts.map((part, at) => (at === index ? { ...part, prompt } : part));
  await runPayload(id, { resume: film, redo: [{ part: index + 1 }], ...(!isAsBefore && { parts: edited }) });
}

/** Makes what is missing of a film that was cancelled or failed. */
export async function resumeFilm(film: string): Promise<void> {
  await runPayload(filmId, { resume: film });
}

/** What brought no clip, once more. */
export async function retry({ endpoint: id, input }: Pick<Attempt, 'endpoint' | 'input'>): Promise<void> {
  fillForm({ endpoint: id, input });
  await runForm();
}

/** Fills the form with what a clip was made from, its seed included, for changing one thing. */
export function changeOneThing(clip: Clip): void {
  fillForm(clip, clip.output.seed);
  baseline.value = clip;
  focusField('prompt');
}

/** Fills the form with a recording and settings in the place of all that is there, ready to be run. */
export function tryOut(sound: Sound, settings: Payload): void {
  revision += 1;
  replaceValues(settings);
  setFile('audio_url', sound);
  const button = document.getElementById('run');
  button?.scrollIntoView({ block: 'nearest' });
  button?.focus({ preventScroll: true });
}

/** Brings a field into view, whatever it is folded into, and puts the cursor there. */
export function focusField(path: string): void {
  const [name = '', index] = path.split('.');
  const field = document.getElementById(`field-${name}`);
  for (let around = field?.parentElement; around; around = around.parentElement) {
    if (around instanceof HTMLDetailsElement) around.open = true;
  }
  const row = index === undefined ? null : field?.querySelectorAll('li').item(Number(index));
  const control = (row ?? field)?.querySelector<HTMLElement>('input, textarea, select, button') ?? field;
  field?.scrollIntoView({ block: 'center' });
  control?.focus({ preventScroll: true });
}

/** The one that comes first on the page. */
function firstOf(names: readonly string[]): string | undefined {
  const fields = [...document.querySelectorAll('.field')].map(({ id }) => id.replace(/^field-/, ''));
  return fields.find((name) => names.includes(name)) ?? names[0];
}

async function knowInstallation(): Promise<void> {
  if (installation.value === undefined) await loadInstallation();
}

function fillForm({ endpoint: id, input }: Pick<Attempt, 'endpoint' | 'input'>, seed?: number): void {
  revision += 1;
  chooseEndpoint(id);
  replaceValues(input);
  if (seed !== undefined) setValue('seed', seed);
}

/** Returns the clip; undefined where none was made. */
async function runPayload(endpointId: string, input: Payload, part?: Part): Promise<Clip | undefined> {
  if (isUnderWay(run.value)) return undefined;
  serverProblems.value = {};
  // What is on show stays there until there is something new, which may never be.
  const shown = selectedClip.value ?? run.value?.clip;
  selectClip(shown);
  compared.value = [];
  showStage();
  await startRun(endpointId, input, { expected: estimatedSeconds.value, part });
  const { clip, failure } = run.value ?? {};
  if (failure !== undefined) serverProblems.value = problemsOf(failure.fields, input);
  if (clip === undefined) return undefined;
  if (selectedClip.value === shown) selectClip(clip);
  else unseenClip.value = clip;
  if (baseline.value !== undefined) compareClips([baseline.value, clip]);
  baseline.value = undefined;
  return clip;
}

/** The same clip with several seeds, one after another, to be seen side by side. */
async function runSeeds(endpointId: string, input: Payload, count: number): Promise<void> {
  const seed = typeof input.seed === 'number' ? input.seed : crypto.getRandomValues(new Uint32Array(1))[0];
  baseline.value = undefined;
  await runSeries(endpointId, { ...input, seed }, { number: 1, count, made: [] });
}

/** Makes `part` of several clips and those after it; ends with the first that brings none. */
async function runSeries(endpointId: string, input: Payload, part: Part): Promise<void> {
  let [nextInput, next] = [input, part];
  while (next.number <= next.count) {
    const clip = await runPayload(endpointId, nextInput, next);
    if (clip === undefined) break;
    [nextInput, next] = [withNextSeed(nextInput, clip), following(next, clip)];
  }
  const made = next.made.flatMap((id) => clips.value.filter((clip) => clip.id === id));
  if (made.length > 1) compareClips(made);
}

function withNextSeed(input: Payload | undefined, { output }: Clip): Payload {
  return { ...input, seed: (output.seed + 1) % seeds };
}

function following({ number, count, made }: Part, { id }: Clip): Part {
  return { number: number + 1, count, made: [...made, id] };
}

/** What the server says about fields that still hold what was sent; about others it says nothing any more. */
function problemsOf(fields: Readonly<Record<string, string>>, sent: Payload): Readonly<Record<string, string>> {
  const isKept = (field: string): boolean => JSON.stringify(payload.value[field]) === JSON.stringify(sent[field]);
  const about = Object.entries(fields).filter(([path]) => isKept(path.split('.', 1)[0] ?? path));
  return Object.fromEntries(about.map(([path, message]) => [path, message.charAt(0).toUpperCase() + message.slice(1)]));
}
