import { makesFilms } from '../film/film.ts';
import { clipFrames, clipSize, dollars, estimatedCost } from '../form/clip-size.ts';
import { duration, estimatedSeconds } from '../form/time-estimate.ts';
import { endpoint } from '../server/endpoints.ts';
import { installation } from '../server/installation.ts';
import { runForm } from './begin.ts';
import { isUnderWay, run } from './run-state.ts';

/** As many as fit side by side. */
const seedCount = 4;

/** What it will be, how long it takes, and the button that starts it. */
export function RunBar() {
  const isBusy = isUnderWay(run.value);
  const product = makesFilms.value ? 'film' : 'clip';
  return (
    <div class="run-bar">
      <p class="estimate" aria-live="polite">
        <strong>{[timeText(), costText()].filter((text) => text !== undefined).join(', ')}</strong>
        <span>{describe()}</span>
      </p>
      {!makesFilms.value && (
        <button
          type="button"
          class="quiet"
          disabled={isBusy || endpoint.value === undefined}
          title={`The same clip with ${seedCount} seeds, side by side`}
          onClick={() => void runForm(seedCount)}
        >
          {seedCount} seeds
        </button>
      )}
      <button
        type="submit"
        id="run"
        class="primary large"
        disabled={isBusy || endpoint.value === undefined}
        onClick={() => void runForm()}
      >
        {isBusy ? `Making a ${product}…` : `Make the ${product}`}
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

/** As far as it is known before the recording is. */
function describe(): string {
  const [size, frames] = [clipSize.value, clipFrames.value];
  const shape = size === undefined ? 'Size of the picture' : `${size.width} × ${size.height}`;
  return frames === undefined ? shape : `${shape}, ${frames} frames`;
}
