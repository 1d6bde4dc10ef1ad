import { useSignal } from '@preact/signals';
import { retry } from '../run/begin.ts';
import { isUnderWay, run } from '../run/run-state.ts';
import { messageOf } from '../server/connection.ts';
import { type Attempt, type Clip, type Entry, isClip, isPicture, promptOf } from './clip.ts';
import { entries, eraseEntry, loadMore, nextPage } from './history.ts';
import { compared, isCompared, showClip, toggleCompared } from './selection.ts';

/** What was made, and what was tried, newest first. */
export function Gallery() {
  const problem = useSignal<string | undefined>(undefined);
  const wanted = useSignal('');
  const trying = async (work: () => Promise<void>): Promise<void> => {
    problem.value = undefined;
    await work().catch((error: unknown) => {
      problem.value = messageOf(error);
    });
  };
  const found = entries.value.filter((entry) => isFound(entry, wanted.value));
  return (
    <section class="gallery" id="history" aria-labelledby="gallery-title">
      <div class="line">
        <h2 id="gallery-title">History</h2>
        {entries.value.length > 1 && (
          <input
            type="search"
            aria-label="Search the history"
            placeholder="Search"
            value={wanted.value}
            onInput={({ currentTarget }) => {
              wanted.value = currentTarget.value;
            }}
          />
        )}
      </div>
      {compared.value.length === 1 && (
        <p class="note" role="status">
          Choose another clip to compare it with.
        </p>
      )}
      {problem.value !== undefined && (
        <p class="problem" role="alert">
          {problem.value}
        </p>
      )}
      {entries.value.length === 0 && <p class="empty">Clips you make appear here, and stay.</p>}
      {entries.value.length > 0 && found.length === 0 && <p class="empty">Nothing here has these words in it.</p>}
      <ul class="clips">
        {found.map((entry) => (
          <EntryCard key={entry.id} entry={entry} onErase={() => void trying(() => eraseEntry(entry.id))} />
        ))}
      </ul>
      {nextPage.value !== undefined && (
        <button type="button" onClick={() => void trying(loadMore)}>
          Older ones
        </button>
      )}
    </section>
  );
}

/** Whether all the words are in the prompt, the file names or the numbers of a request. */
function isFound(entry: Entry, words: string): boolean {
  const seed = isClip(entry) ? entry.output.seed : '';
  const text = `${promptOf(entry)} ${JSON.stringify(entry.input)} ${seed}`.toLowerCase();
  return words
    .toLowerCase()
    .split(/\s+/)
    .every((word) => text.includes(word));
}

interface CardProps<Shown extends Entry> {
  readonly entry: Shown;
  readonly onErase: () => void;
}

function EntryCard({ entry, onErase }: CardProps<Entry>) {
  return isClip(entry) ? <ClipCard entry={entry} onErase={onErase} /> : <AttemptCard entry={entry} onErase={onErase} />;
}

function ClipCard({ entry: clip, onErase }: CardProps<Clip>) {
  const { video, seed } = clip.output;
  return (
    <li class="clip">
      <button type="button" class="cover" aria-label={`Show: ${promptOf(clip)}`} onClick={() => showClip(clip)}>
        {isPicture(clip) ? (
          <img src={video.url} alt="" loading="lazy" />
        ) : (
          <video src={`${video.url}#t=0.1`} preload="metadata" muted playsInline tabIndex={-1} aria-hidden="true" />
        )}
      </button>
      <p class="caption">{promptOf(clip)}</p>
      <p class="note">
        {clip.sentAt.toLocaleString()}, seed {seed}
      </p>
      <div class="line">
        <label class="inline">
          <input type="checkbox" checked={isCompared(clip)} onChange={() => toggleCompared(clip)} />
          Compare
        </label>
        <EraseButton onErase={onErase} />
      </div>
    </li>
  );
}

function AttemptCard({ entry: attempt, onErase }: CardProps<Attempt>) {
  return (
    <li class="clip attempt">
      <p>
        <strong>{attempt.problem === undefined ? 'Cancelled' : 'Failed'}</strong>
      </p>
      <p class="caption">{promptOf(attempt)}</p>
      {attempt.problem !== undefined && <p class="note reason">{attempt.problem}</p>}
      <p class="note">{attempt.sentAt.toLocaleString()}</p>
      <div class="line">
        <button type="button" disabled={isUnderWay(run.value)} onClick={() => void retry(attempt)}>
          Retry
        </button>
        <EraseButton onErase={onErase} />
      </div>
    </li>
  );
}

function EraseButton({ onErase }: Pick<CardProps<Entry>, 'onErase'>) {
  const isAsked = useSignal(false);
  return (
    <button
      type="button"
      class="quiet"
      onClick={() => {
        if (isAsked.value) onErase();
        else isAsked.value = true;
      }}
      onBlur={() => {
        isAsked.value = false;
      }}
    >
      {isAsked.value ? 'Really erase' : 'Erase'}
    </button>
  );
}
