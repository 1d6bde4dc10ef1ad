import { useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { tryOut } from '../run/begin.ts';
import { installation } from '../server/installation.ts';
import { Sound } from '../sound/sound.ts';
import { exampleFile } from './example-files.ts';
import { type Example, exampleList, exampleSize } from './example-list.ts';

const [firstExample] = exampleList;

/** Shows at once what comes of a recording and a sentence, before anything was made here. */
export function ExampleStage() {
  const chosen = useSignal(firstExample);
  const example = chosen.value;
  if (example === undefined) return null;
  return (
    <section class="card example" aria-label="Example">
      <h2>A recording and a sentence become a clip</h2>
      <MutedPlayer key={example.name} example={example} />
      <div class="example-words">
        <p class="caption">“{example.prompt}”</p>
        <button type="button" class="primary" onClick={() => putIntoForm(example)}>
          Use this
        </button>
      </div>
      <fieldset class="thumbnails">
        <legend class="hidden">Examples</legend>
        {exampleList.map((each) => (
          <label key={each.name} class="tile">
            <input
              type="radio"
              name="example"
              checked={each.name === example.name}
              onChange={() => {
                chosen.value = each;
              }}
            />
            <span>
              <img src={exampleFile(each, 'jpg')} alt="" width={128} height={96} />
              {each.title}
            </span>
          </label>
        ))}
      </fieldset>
      <p class="note">
        {installation.value?.model?.isMiniature === false
          ? 'These clips were drawn by the miniature of the model. This server runs the model itself, which knows far more than drawings.'
          : 'Drawn by the miniature of the model that this server runs, in seconds. It knows faces, shapes, seas and skylines.'}
      </p>
    </section>
  );
}

/** Plays by itself where motion is welcome; browsers let it do so without sound until somebody asks for it. */
function MutedPlayer({ example }: { readonly example: Example }) {
  const video = useRef<HTMLVideoElement>(null);
  const isMuted = useSignal(true);
  const isStill = matchMedia('(prefers-reduced-motion: reduce)').matches;
  useEffect(() => {
    const player = video.current;
    if (player === null) return;
    player.muted = isMuted.value;
    if (!isMuted.value) {
      player.currentTime = 0;
      // Where the browser refuses, its own controls are there.
      void player.play().catch(() => {});
    }
  }, [isMuted.value]);
  return (
    <div class="screen">
      <video
        ref={video}
        class="player"
        src={exampleFile(example, 'mp4')}
        poster={exampleFile(example, 'jpg')}
        autoPlay={!isStill}
        muted
        loop
        controls
        playsInline
        preload={isStill ? 'none' : 'auto'}
        width={512}
        height={384}
        onVolumeChange={({ currentTarget }) => {
          isMuted.value = currentTarget.muted;
        }}
      />
      {isMuted.value && (
        <button
          type="button"
          class="sound-on"
          onClick={() => {
            isMuted.value = false;
          }}
        >
          <svg viewBox="0 0 24 24" width="18" height="18" aria-hidden="true">
            <path d="M4 9v6h4l5 4V5L8 9H4Z" fill="currentColor" />
            <path d="M16 9l5 6M21 9l-5 6" stroke="currentColor" stroke-width="2" stroke-linecap="round" />
          </svg>
          Turn the sound on
        </button>
      )}
    </div>
  );
}

/** The miniature gets what the clip was made from, and makes the same one; any other model gets words of its own. */
function putIntoForm(example: Example): void {
  const isMiniature = installation.value?.model?.isMiniature ?? true;
  const sound = Sound.bundled(exampleFile(example, 'mp3'), `${example.name}.mp3`);
  if (isMiniature) tryOut(sound, { ...example.settings, prompt: example.prompt, video_size: exampleSize });
  else tryOut(sound, { prompt: example.fullPrompt });
}
