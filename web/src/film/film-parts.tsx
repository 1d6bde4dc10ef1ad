import { useSignal } from '@preact/signals';
import { remakePart } from '../run/begin.ts';
import { isUnderWay, run } from '../run/run-state.ts';
import type { Film } from './film.ts';

/** The parts of a film: where they are, what they show, and how to have one of them made again. */
export function FilmParts({ film }: { readonly film: Film }) {
  const { parts, video } = film.output;
  const prompts = useSignal(parts.map(({ prompt }) => prompt));
  const isBusy = isUnderWay(run.value);
  return (
    <section class="film-parts" aria-label="Parts">
      <h3>Parts</h3>
      <p class="note">A part that is made again gets another seed. The others stay as they are.</p>
      <ol>
        {parts.map(({ start, end, continues }, index) => (
          <li key={start} class={continues || index === 0 ? undefined : 'scene'}>
            <button type="button" class="link" onClick={(event) => seek(event.currentTarget, start / video.fps)}>
              <span class="hidden">Part {index + 1}, from </span>
              {time(start / video.fps)}–{time(end / video.fps)}
            </button>
            <textarea
              rows={2}
              aria-label={`What part ${index + 1} shows`}
              value={prompts.value[index]}
              onInput={({ currentTarget: { value } }) => {
                prompts.value = prompts.value.with(index, value);
              }}
            />
            <button
              type="button"
              disabled={isBusy || prompts.value[index]?.trim() === ''}
              onClick={() => void remakePart(film, index, prompts.value[index] ?? '')}
            >
              Make again<span class="hidden">, part {index + 1}</span>
            </button>
          </li>
        ))}
      </ol>
    </section>
  );
}

/** Has the player beside an element go on from there. */
function seek(beside: Element, seconds: number): void {
  const player = beside.closest('.result')?.querySelector('video');
  if (player) player.currentTime = seconds;
}

/** `75.4` → `1:15.4` */
function time(seconds: number): string {
  const [minutes, rest] = [Math.floor(seconds / 60), seconds % 60];
  return `${minutes}:${rest.toFixed(1).padStart(4, '0')}`;
}
