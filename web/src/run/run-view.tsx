import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { filmId } from '../../../src/contract/film/film-id.ts';
import { ResumeButton } from '../film/resume-button.tsx';
import { duration } from '../form/time-estimate.ts';
import { titleOfPath } from '../form/words.ts';
import { focusField, retry } from './begin.ts';
import { cancelRun } from './follow-run.ts';
import { PreviewPlayer } from './preview-player.tsx';
import { isUnderWay, type LogLine, type Run } from './run-state.ts';

const phases: Readonly<Record<string, string>> = {
  load: 'Loading the model',
  text: 'Reading the prompt',
  audio: 'Listening to the recording',
  images: 'Preparing the frames',
  denoise: 'Denoising',
  upscale: 'Upscaling',
  refine: 'Refining',
  decode: 'Decoding and encoding',
  join: 'Joining the parts',
};

/** A request on its way: place in the queue, stage, time left, what it looks like, its log. */
export function RunView({ run }: { readonly run: Run }) {
  const isBusy = isUnderWay(run);
  const { preview, progress } = run;
  return (
    <section class="card run" aria-label="Run">
      {isBusy && preview !== null && preview !== undefined && (
        <PreviewPlayer sheet={preview} caption={`Preview after step ${preview.step}`} />
      )}
      {isBusy && <PartStrip run={run} />}
      {isBusy && (preview === null || preview === undefined) && (
        <div class="stage-empty">
          <div class="pulse" aria-hidden="true" />
        </div>
      )}
      <p class="stage" role="status">
        {run.part !== undefined && `Clip ${run.part.number} of ${run.part.count}: `}
        {headline(run)}
      </p>
      {isBusy && run.outage !== undefined && (
        <p class="note" role="alert">
          {run.outage} The request is kept: as soon as the server answers, this page{' '}
          {run.state === 'cancelling' ? 'has it cancelled' : 'goes on with it'}.
        </p>
      )}
      {isBusy && (
        <>
          <progress
            aria-label="Progress"
            max={1}
            {...(run.state === 'running' && run.outage === undefined && progress ? { value: progress.fraction } : {})}
          />
          <div class="line">
            <TimeLeft run={run} />
            <button type="button" disabled={run.id === undefined || run.state === 'cancelling'} onClick={cancelRun}>
              Cancel
            </button>
          </div>
        </>
      )}
      {run.failure !== undefined && <FailureView run={run} />}
      {(run.state === 'failed' || run.state === 'cancelled' || run.state === 'unanswered') && (
        <div class="line">
          {run.endpoint === filmId && run.id !== undefined && <ResumeButton film={run.id} />}
          <button type="button" onClick={() => void retry(run)}>
            Retry
          </button>
        </div>
      )}
      {run.logs.length > 0 && <Logs logs={run.logs} isOpen={run.state === 'failed'} />}
    </section>
  );
}

/** What there is of a film so far. */
function PartStrip({ run: { partPreviews = [] } }: { readonly run: Run }) {
  if (partPreviews.length < 2) return null;
  return (
    <div class="strip">
      {partPreviews.map(({ part, sheet }) => (
        <PreviewPlayer key={part} sheet={sheet} caption={`Part ${part}`} />
      ))}
    </div>
  );
}

function headline({ state, queuePosition = 0, progress, outage }: Run): string {
  if (outage !== undefined && (state === 'queued' || state === 'running')) return 'Waiting for the server…';
  switch (state) {
    case 'sending':
      return 'Sending the request…';
    case 'queued':
      return queuePosition === 0 ? 'Next in the queue' : `${queuePosition} ahead in the queue`;
    case 'running': {
      if (!progress) return 'Starting…';
      if (progress.phase === 'parts') return `Making part ${progress.step + 1} of ${progress.steps}`;
      const steps = progress.steps > 1 ? ` ${progress.step} of ${progress.steps}` : '';
      return `${phases[progress.phase] ?? progress.phase}${steps}`;
    }
    case 'cancelling':
      return 'Cancelling…';
    case 'cancelled':
      return 'Cancelled.';
    case 'failed':
      return 'Nothing was made.';
    case 'unanswered':
      return 'The server did not answer. Is it running? If it took the request all the same, the clip will be in the history.';
    case 'gone':
      return 'The server does not know this request any more.';
    case 'done':
      return 'Done';
  }
}

function TimeLeft({ run }: { readonly run: Run }) {
  const { progressAt = 0, sentAt } = run;
  const now = useSignal(Date.now());
  useEffect(() => {
    const timer = setInterval(() => {
      now.value = Date.now();
    }, 500);
    return () => clearInterval(timer);
  }, [now]);
  const elapsed = Math.max(0, (now.value - sentAt) / 1000);
  const left = secondsLeft(run);
  const remaining = left === undefined ? undefined : left - (performance.now() - progressAt) / 1000;
  return (
    <span class="note">
      {duration(elapsed)} so far{remaining !== undefined && `, about ${duration(remaining)} left`}
    </span>
  );
}

/** Part of a clip below which its own pace says little: the stages before the first step are quick. */
const tellingFraction = 0.15;

/**
 * As of the last progress: at first by what such clips have taken here, more and more by the pace of this one. Undefined
 * while neither is known.
 */
function secondsLeft({ state, progress, expected }: Run): number | undefined {
  if (state !== 'running' || !progress) return undefined;
  const { fraction, seconds, seconds_left: byPace } = progress;
  if (expected === undefined) return fraction < tellingFraction ? undefined : (byPace ?? undefined);
  const byHistory = Math.max(0, expected - seconds);
  return byPace === null ? byHistory : byPace * fraction + byHistory * (1 - fraction);
}

function FailureView({ run: { failure } }: { readonly run: Run }) {
  const fields = Object.entries(failure?.fields ?? {});
  return (
    <div class="failure" role="alert">
      {fields.length === 0 && <p>{failure?.message}</p>}
      <ul>
        {fields.map(([path, message]) => (
          <li key={path}>
            <button type="button" class="link" onClick={() => focusField(path)}>
              {titleOfPath(path)}
            </button>{' '}
            {message}
          </li>
        ))}
      </ul>
    </div>
  );
}

function Logs({ logs, isOpen }: { readonly logs: readonly LogLine[]; readonly isOpen: boolean }) {
  return (
    <details class="logs" open={isOpen}>
      <summary>
        Log <small>{logs.length} lines</small>
      </summary>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must be reachable by keyboard */}
      <section class="scroller" tabIndex={0} aria-label="Log">
        <pre>{logs.map(({ timestamp, message }) => `${timestamp.slice(11, 19)}  ${message}`).join('\n')}</pre>
      </section>
    </details>
  );
}
