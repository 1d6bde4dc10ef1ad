import { useSignal } from '@preact/signals';
import { messageOf } from '../server/connection.ts';
import { type Clip, isPicture, promptOf } from './clip.ts';
import { clips, eraseClip, loadMore, nextPage } from './history.ts';
import { compared, isCompared, selectedClip, toggleCompared } from './selection.ts';

/** The clips that the server keeps, newest first. */
export function Gallery() {
  const problem = useSignal<string | undefined>(undefined);
  const trying = async (work: () => Promise<void>): Promise<void> => {
    problem.value = undefined;
    await work().catch((error: unknown) => {
      problem.value = messageOf(error);
    });
  };
  return (
    <section class="gallery" aria-labelledby="gallery-title">
      <div class="line">
        <h2 id="gallery-title">History</h2>
        {compared.value.length === 1 && <span class="note">Choose another one to compare it with.</span>}
      </div>
      {problem.value !== undefined && (
        <p class="problem" role="alert">
          {problem.value}
        </p>
      )}
      {clips.value.length === 0 ? (
        <p class="empty">Clips you make appear here, and stay.</p>
      ) : (
        <ul class="clips">
          {clips.value.map((clip) => (
            <ClipCard key={clip.id} clip={clip} onErase={() => void trying(() => eraseClip(clip.id))} />
          ))}
        </ul>
      )}
      {nextPage.value !== undefined && (
        <button type="button" onClick={() => void trying(loadMore)}>
          Older ones
        </button>
      )}
    </section>
  );
}

function ClipCard({ clip, onErase }: { readonly clip: Clip; readonly onErase: () => void }) {
  const isAsked = useSignal(false);
  const { video, seed } = clip.output;
  return (
    <li class="clip">
      <button
        type="button"
        class="cover"
        aria-label={`Show: ${promptOf(clip)}`}
        onClick={() => {
          selectedClip.value = clip;
          document.getElementById('stage')?.scrollIntoView({ block: 'start' });
        }}
      >
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
      </div>
    </li>
  );
}
