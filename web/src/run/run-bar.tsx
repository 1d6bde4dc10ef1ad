import { clipFrames, clipSize, dollars, estimatedCost } from '../form/clip-size.ts';
import { currentValue } from '../form/form-state.ts';
import { duration, estimatedSeconds } from '../form/time-estimate.ts';
import { endpoint } from '../server/endpoints.ts';
import { installation } from '../server/installation.ts';
import { runForm } from './begin.ts';
import { isUnderWay, run } from './run-state.ts';

/** What it will be, how long it takes, and the button that starts it. */
export function RunBar() {
  const isBusy = isUnderWay(run.value);
  return (
    <div class="run-bar">
      <p class="estimate" aria-live="polite">
        <strong>{[timeText(), costText()].filter((text) => text !== undefined).join(', ')}</strong>
        <span>{describe()}</span>
      </p>
      <button
        type="submit"
        id="run"
        class="primary large"
        disabled={isBusy || endpoint.value === undefined}
        onClick={() => void runForm()}
      >
        {isBusy ? 'Making a clip…' : 'Make the clip'}
      </button>
    </div>
  );
}

/** By the clips that were made here. */
function timeText(): string | undefined {
  const seconds = estimatedSeconds.value;
  return seconds === undefined ? undefined : `About ${duration(seconds)}`;
}

/** Only where the operator wants prices to be seen. */
function costText(): string | undefined {
  const [amount, price] = [estimatedCost.value, endpoint.value?.price];
  if (installation.value?.showsPrices !== true || price === undefined) return undefined;
  return amount === undefined ? `$${price.unitPrice} per megapixel` : `≈ ${dollars(amount)}`;
}

function describe(): string {
  const [size, frames] = [clipSize.value, clipFrames.value];
  const shape = size === undefined ? 'the picture’s size' : `${size.width} × ${size.height}`;
  const length = frames === undefined ? 'as long as the recording' : `${frames} frames`;
  return `${shape}, ${length}, ${currentValue('fps')} fps`;
}
