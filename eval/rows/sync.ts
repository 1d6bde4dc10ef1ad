import { loudnessPerFrame } from '../measures/motion/loudness.ts';
import { bestLag, correlation, deviation, median } from '../measures/motion/series.ts';
import {
  atLeast,
  atMost,
  type Finding,
  inHundredths,
  inPercent,
  type Row,
  type RowContext,
  type RowResult,
} from '../row.ts';
import { perGroup } from './attribute-findings.ts';
import { followingClips, type SurveyClip, surveyClips } from './survey.ts';

const aims = { correlation: 0.8, lag: 1, otherSound: 0.3 } as const;
/** Up to this many frames a second, a latent lasts two thirds of a second and more. */
const lowRate = 12;

export const syncRow: Row = {
  name: 'sync',
  about: 'mouths, shapes and bars move with the loudness of the sound',
  async run(context: RowContext): Promise<RowResult> {
    const clips = await surveyClips(context.count(followingClips), context);
    const correlated = clips.map((clip) => ({ clip, value: correlation(clip.movement, clip.loudness) }));
    const shown = (of: readonly (typeof correlated)[number][]): string =>
      inHundredths(median(of.map(({ value }) => value)));
    const by = (what: string, groupOf: (clip: SurveyClip) => string): Finding =>
      perGroup(what, correlated, ({ clip }) => groupOf(clip), shown);
    return {
      findings: [
        atLeast(
          `movement and loudness, median of ${clips.length} clips`,
          median(correlated.map(({ value }) => value)),
          aims.correlation,
          inHundredths,
        ),
        by('the same by what moves', ({ scene }) => scene.kind),
        by('the same by size', ({ size }) => size),
        perGroup(
          'the same at low rates',
          correlated.filter(({ clip }) => clip.fps <= lowRate),
          () => `${lowRate} fps and below`,
          shown,
        ),
        lagFinding(clips.filter(moves)),
      ],
      sheet: clips.slice(0, 10).map(({ pictures }) => pictures),
    };
  },
};

/** What stands still agrees with every sound alike, early or late. */
function moves({ movement }: SurveyClip): boolean {
  return deviation(movement) > 1e-6;
}

/** Within a second, any two sounds are likely to rise or fall together. */
function lasts({ frames, fps }: SurveyClip): boolean {
  return frames / fps >= 1.5;
}

function lagFinding(moving: readonly SurveyClip[]): Finding {
  const what = `best lag in frames, median of ${moving.length} clips in which something moves`;
  const aim = `within ±${aims.lag}`;
  if (moving.length === 0) return { what, measured: 'nothing moves', aim, met: undefined };
  const lags = moving.map(({ movement, loudness }) => bestLag(movement, loudness, 3));
  const within = lags.filter((value) => Math.abs(value) <= aims.lag).length / lags.length;
  const lag = median(lags);
  return { what, measured: `${lag} (${inPercent(within)} ${aim})`, aim, met: Math.abs(lag) <= aims.lag };
}

export const causalRow: Row = {
  name: 'causal',
  about: 'the same movement against the sound of other clips',
  async run(context: RowContext): Promise<RowResult> {
    const clips = await surveyClips(context.count(followingClips), context);
    const found: number[] = [];
    for (const [at, clip] of clips.entries()) {
      if (moves(clip) && lasts(clip)) found.push(...(await againstOthers(at, clip, context)));
    }
    const what = `movement and the loudness of other sounds, median of ${found.length} pairs, without sign`;
    if (found.length > 0) return { findings: [atMost(what, median(found), aims.otherSound, inHundredths)] };
    return {
      findings: [{ what, measured: 'nothing moves', aim: `≤ ${inHundredths(aims.otherSound)}`, met: undefined }],
    };
  },
};

/** Correlation without its sign, with three sounds made for other clips but of this clip's length. */
async function againstOthers(
  at: number,
  { movement, frames, fps }: SurveyClip,
  context: RowContext,
): Promise<number[]> {
  const sounds = await Promise.all([1, 2, 3].map((step) => context.sounds.sound(500 + at + step, { frames, fps })));
  return sounds.map(({ samples }) => Math.abs(correlation(movement, loudnessPerFrame(samples, frames, fps))));
}
