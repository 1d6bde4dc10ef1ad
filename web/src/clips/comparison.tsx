import { useRef } from 'preact/hooks';
import { titleOf, valueText } from '../form/words.ts';
import type { Clip, Payload } from './clip.ts';
import { Player } from './clip-view.tsx';
import { compared } from './selection.ts';

/** Two clips side by side, played together, with what differs in their inputs. */
export function Comparison({ first, second }: { readonly first: Clip; readonly second: Clip }) {
  const box = useRef<HTMLDivElement>(null);
  const playBoth = (): void => {
    for (const video of box.current?.querySelectorAll('video') ?? []) {
      video.currentTime = 0;
      void video.play();
    }
  };
  const differences = differencesOf(first, second);
  return (
    <section class="card comparison" aria-label="Side by side">
      <div class="line">
        <h2>Side by side</h2>
        <button type="button" onClick={playBoth}>
          Play both
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
        <Player clip={first} />
        <Player clip={second} />
      </div>
      {differences.length === 0 ? (
        <p class="note">Both were made from the same settings.</p>
      ) : (
        <table>
          <thead>
            <tr>
              <th scope="col">Field</th>
              <th scope="col">First</th>
              <th scope="col">Second</th>
            </tr>
          </thead>
          <tbody>
            {differences.map(({ name, values }) => (
              <tr key={name}>
                <th scope="row">{titleOf(name)}</th>
                <td>{values[0]}</td>
                <td>{values[1]}</td>
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
  readonly values: readonly [string, string];
}

function differencesOf(first: Clip, second: Clip): readonly Difference[] {
  const [a, b] = [first, second].map(({ input, output }): Payload => ({ ...input, seed: output.seed }));
  const names = [...new Set([...Object.keys(a ?? {}), ...Object.keys(b ?? {})])].sort();
  return names
    .map((name) => ({ name, values: [valueText(name, a?.[name]), valueText(name, b?.[name])] as const }))
    .filter(({ values: [left, right] }) => left !== right);
}
