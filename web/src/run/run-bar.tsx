import { clipFrames, clipSize, dollars, estimatedCost } from '../form/clip-size.ts';
import { currentValue } from '../form/form-state.ts';
import { endpoint } from '../server/endpoints.ts';
import { runForm } from './begin.ts';
import { isUnderWay, run } from './run-state.ts';

/** What it will be and cost, and the button that starts it. */
export function RunBar() {
  const cost = estimatedCost.value;
  const price = endpoint.value?.price;
  const isBusy = isUnderWay(run.value);
  return (
    <div class="run-bar">
      <p class="estimate" aria-live="polite">
        <strong>{cost === undefined ? price && `$${price.unitPrice} per megapixel` : `≈ ${dollars(cost)}`}</strong>
        <span>{describe()}</span>
      </p>
      <button
        type="submit"
        class="primary large"
        disabled={isBusy || endpoint.value === undefined}
        onClick={() => void runForm()}
      >
        {isBusy ? 'Making a clip…' : 'Make the clip'}
      </button>
    </div>
  );
}

function describe(): string {
  const [size, frames] = [clipSize.value, clipFrames.value];
  const shape = size === undefined ? 'the picture’s size' : `${size.width} × ${size.height}`;
  const length = frames === undefined ? 'as long as the recording' : `${frames} frames`;
  return `${shape}, ${length}, ${currentValue('fps')} fps`;
}
