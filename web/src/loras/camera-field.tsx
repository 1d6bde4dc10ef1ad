import { described, FieldFrame } from '../form/field.tsx';
import { currentValue, setValue } from '../form/form-state.ts';
import { spaced, titleOf } from '../form/words.ts';
import { fieldSchema } from '../server/endpoints.ts';
import { installation } from '../server/installation.ts';

const name = 'camera_lora';

/** Where the picture's frame is after the move, in a scene of 48 × 32: position, and width of the frame. */
const moves: Readonly<Record<string, { readonly x: number; readonly y: number; readonly width: number }>> = {
  dolly_in: { x: 15, y: 10, width: 18 },
  dolly_out: { x: 3, y: 2, width: 42 },
  dolly_left: { x: 3, y: 8, width: 24 },
  dolly_right: { x: 21, y: 8, width: 24 },
  jib_up: { x: 12, y: 2, width: 24 },
  jib_down: { x: 12, y: 14, width: 24 },
};
const start = { x: 12, y: 8, width: 24 };

/** The moves of the camera, as pictures. */
export function CameraField() {
  // The one that does nothing comes first, though the endpoint lists it last.
  const choices = (fieldSchema(name).enum ?? []).toSorted(
    (one, other) => Number(other === 'none') - Number(one === 'none'),
  );
  const here = installation.value?.cameraMoves;
  return (
    <FieldFrame name={name}>
      <fieldset class="cameras" {...described(name)}>
        <legend class="hidden">{titleOf(name)}</legend>
        {choices.map((move) => {
          const isMissing = move !== 'none' && here !== undefined && !here.includes(move);
          return (
            <label key={move} class="tile" title={isMissing ? 'Not installed with this model' : undefined}>
              <input
                type="radio"
                name={name}
                checked={currentValue(name) === move}
                disabled={isMissing}
                onChange={() => setValue(name, move)}
              />
              <span>
                <MovePicture move={move} />
                {capitalized(spaced(move))}
              </span>
            </label>
          );
        })}
      </fieldset>
    </FieldFrame>
  );
}

function capitalized(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

function MovePicture({ move }: { readonly move: string }) {
  const end = moves[move];
  return (
    <svg class={`move ${move}`} viewBox="0 0 48 32" aria-hidden="true">
      <path class="hills" d="M0 26 L12 15 L20 22 L31 11 L48 26 V32 H0 Z" />
      <circle class="sun" cx="38" cy="8" r="3" />
      {move !== 'none' && <Frame {...start} isDashed={end !== undefined} />}
      {end !== undefined && <Frame {...end} isDashed={false} />}
      {end === undefined && move === 'static' && <path class="mark" d="M22 16 h4 M24 14 v4" />}
    </svg>
  );
}

interface FrameProps {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly isDashed: boolean;
}

function Frame({ x, y, width, isDashed }: FrameProps) {
  return <rect class={isDashed ? 'frame from' : 'frame'} x={x} y={y} width={width} height={(width * 2) / 3} rx="1.5" />;
}
