import { useComputed, useSignal, useSignalEffect } from '@preact/signals';
import { filmId } from '../../../src/contract/film/film-id.ts';
import { ResumeButton } from '../film/resume-button.tsx';
import { loraTitle } from '../form/words.ts';
import { retry } from '../run/begin.ts';
import { isUnderWay, run } from '../run/run-state.ts';
import { messageOf } from '../server/connection.ts';
import { type Attempt, type Clip, type Entry, isClip, isPicture, lorasOf, promptOf } from './clip.ts';
import { entries, eraseEntry, foundEntries, hasMore, loadMore, search, searchServer } from './history.ts';
import { compared, isCompared, showClip, toggleCompared } from './selection.ts';

/** Milliseconds without another letter before the server is asked. */
const searchDelay = 300;

/** What was made, and what was tried, newest first. */
export function Gallery() {
  const problem = useSignal<string | undefined>(undefined);
  const trying = async (work: () => Promise<void>): Promise<void> => {
    problem.value = undefined;
    await work().catch((error: unknown) => {
      problem.value = messageOf(error);
    });
  };
  useSignalEffect(() => {
    search.value;
    const timer = setTimeout(() => void trying(searchServer), searchDelay);
    return () => clearTimeout(timer);
  });
  return (
    <section class="gallery" id="history" aria-labelledby="gallery-title">
      <div class="line">
        <h2 id="gallery-title">History</h2>
        {entries.value.length > 1 && <SearchFields />}
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
      {entries.value.length > 0 && foundEntries.value.length === 0 && <p class="empty">Nothing like that was found.</p>}
      <ul class="clips">
        {foundEntries.value.map((entry) => (
          <EntryCard key={entry.id} entry={entry} onErase={() => void trying(() => eraseEntry(entry.id))} />
        ))}
      </ul>
      {hasMore.value && (
        <button type="button" onClick={() => void trying(loadMore)}>
          Older ones
        </button>
      )}
    </section>
  );
}

function SearchFields() {
  const loras = useComputed(() => [...new Set(entries.value.flatMap(lorasOf))].sort());
  const { words, lora } = search.value;
  return (
    <div class="search">
      {(loras.value.length > 0 || lora !== '') && (
        <select
          aria-label="Made with"
          value={lora}
          onChange={({ currentTarget }) => {
            search.value = { words, lora: currentTarget.value };
          }}
        >
          <option value="">Any LoRA or none</option>
          {loras.value.map((path) => (
            <option key={path} value={path}>
              {loraTitle(path)}
            </option>
          ))}
        </select>
      )}
      <input
        type="search"
        aria-label="Search the history"
        placeholder="Search"
        value={words}
        onInput={({ currentTarget }) => {
          search.value = { words: currentTarget.value, lora };
        }}
      />
    </div>
  );
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
        {attempt.endpoint === filmId && <ResumeButton film={attempt.id} />}
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
