import { cost, megapixels } from '../../../src/contract/price.ts';
import { CopyButton } from '../code/copy-button.tsx';
import { isFilm } from '../film/film.ts';
import { FilmParts } from '../film/film-parts.tsx';
import { dollars } from '../form/clip-size.ts';
import { changeOneThing, runAgain } from '../run/begin.ts';
import { isUnderWay, run } from '../run/run-state.ts';
import { findEndpoint } from '../server/endpoints.ts';
import { installation } from '../server/installation.ts';
import { type Clip, isPicture, promptOf } from './clip.ts';
import { clipAddress } from './selection.ts';

/** A finished clip: player, what it is, and what can be done next. */
export function ClipView({ clip }: { readonly clip: Clip }) {
  const { video } = clip.output;
  const isBusy = isUnderWay(run.value);
  // What it was made from is another film, and not for the form.
  const isContinued = 'resume' in clip.input;
  return (
    <section class="card result" aria-label="Result">
      <Player clip={clip} />
      <p class="caption">{promptOf(clip)}</p>
      {clip.output.prompt !== promptOf(clip) && (
        <p class="note">
          <strong>As expanded:</strong> {clip.output.prompt}
        </p>
      )}
      <div class="actions">
        <a class="button" href={video.url} download={video.file_name}>
          Download
        </a>
        <CopyButton text={clipAddress(clip)} label="Copy link" />
        {!isContinued && (
          <>
            <button type="button" disabled={isBusy} onClick={() => void runAgain(clip)}>
              Again with this seed
            </button>
            <button type="button" onClick={() => changeOneThing(clip)}>
              Change one thing
            </button>
          </>
        )}
        <button type="button" class="quiet" onClick={() => saveInputs(clip)}>
          Save its inputs
        </button>
      </div>
      {isFilm(clip) && <FilmParts film={clip} />}
      <Facts clip={clip} />
    </section>
  );
}

/** As JSON, which the API takes as it is. */
function saveInputs({ id, input, output }: Clip): void {
  const content = JSON.stringify({ ...input, seed: output.seed }, null, 2);
  const link = document.createElement('a');
  link.href = URL.createObjectURL(new Blob([content], { type: 'application/json' }));
  link.download = `${id}.json`;
  link.click();
  URL.revokeObjectURL(link.href);
}

export function Player({ clip }: { readonly clip: Clip }) {
  const { video } = clip.output;
  const ratio = `${video.width} / ${video.height}`;
  // As wide as its height allows.
  const style = { aspectRatio: ratio, maxWidth: `calc(var(--player-height) * ${ratio})` };
  if (isPicture(clip)) return <img class="player" src={video.url} alt={promptOf(clip)} style={style} />;
  return (
    // biome-ignore lint/a11y/useMediaCaption: clips have no captions; the prompt says what is seen
    <video class="player" src={video.url} controls loop playsInline preload="metadata" style={style}>
      <a href={video.url}>{video.file_name}</a>
    </video>
  );
}

function Facts({ clip }: { readonly clip: Clip }) {
  const { video, seed } = clip.output;
  const price = findEndpoint(clip.endpoint)?.price;
  const units = megapixels(video.width ?? 0, video.height ?? 0, video.num_frames ?? 0);
  const facts: readonly (readonly [string, string])[] = [
    ['Seed', String(seed)],
    ['Size', `${video.width} × ${video.height}`],
    ['Length', `${(video.duration ?? 0).toFixed(2)} s, ${video.num_frames} frames, ${video.fps} fps`],
    ['File', `${((video.file_size ?? 0) / 1e6).toFixed(2)} MB, ${video.content_type}`],
    ['Made in', seconds(clip.made)],
    ['Waited', seconds(clip.waited)],
    ...(price === undefined || installation.value?.showsPrices !== true
      ? []
      : [['Cost', `${dollars(cost(units, price))} for ${units} ${price.unit}`] as const]),
    ['Endpoint', clip.endpoint],
    ['Request', clip.id],
  ];
  return (
    <dl class="facts">
      {facts.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

function seconds(value: number | undefined): string {
  return value === undefined ? 'not recorded' : `${value.toFixed(1)} s`;
}
