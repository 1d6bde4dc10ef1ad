import { useRef } from 'preact/hooks';
import { titleOf, valueText } from '../form/words.ts';
import type { Clip, Payload } from './clip.ts';
import { Player } from './clip-view.tsx';
import { compared, showClip } from './selection.ts';

/** Two to four clips side by side, played together, with what differs in their inputs. */
export function Comparison({ clips }: { readonly clips: readonly Clip[] }) {
  const box = useRef<HTMLDivElement>(null);
  const playAll = (): void => {
    for (const video of box.current?.querySelectorAll('video') ?? []) {
      video.currentTime = 0;
      void video.play();
    }
  };
  const differences = differencesOf(clips);
  return (
    <section class="card comparison" aria-label="Side by side">
      <div class="line">
        <h2>Side by side</h2>
        <button type="button" onClick={playAll}>
          Play {clips.length === 2 ? 'both' : 'all'}
        </button>
        <button
          type="button"
          class="quiet"
          onClick={() => {
            compared.value = [];
          }}
        >
          Close<span class="hidden"> the comparison</span>
        </button>
      </div>
      <div class="pair" ref={box}>
        {clips.map((clip, index) => (
          <figure key={clip.id}>
            <Player clip={clip} />
            <figcaption class="line">
              <strong>{index + 1}</strong>
              <span class="note">seed {clip.output.seed}</span>
              <button type="button" onClick={() => showClip(clip)}>
                Take this<span class="hidden"> one, number {index + 1}</span>
              </button>
            </figcaption>
          </figure>
        ))}
      </div>
      {differences.length === 0 ? (
        <p class="note">All were made from the same settings.</p>
      ) : (
        <table>
          <thead>
            <tr>
              <th scope="col">Field</th>
              {clips.map(({ id }, index) => (
                <th key={id} scope="col">
                  {index + 1}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {differences.map(({ name, values }) => (
              <tr key={name}>
                <th scope="row">{titleOf(name)}</th>
                {values.map((value, index) => (
                  <td key={clips[index]?.id}>{value}</td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </section>
  );
}

interface Difference {
  readonly name: string;
  /** One of each clip. */
  readonly values: readonly string[];
}

function differencesOf(clips: readonly Clip[]): readonly Difference[] {
  const inputs = clips.map(({ input, output }): Payload => ({ ...input, seed: output.seed }));
  const names = [...new Set(inputs.flatMap((input) => Object.keys(input)))].sort();
  return names
    .map((name) => ({ name, values: inputs.map((input) => valueText(name, input[name])) }))
    .filter(({ values }) => new Set(values).size > 1);
}
