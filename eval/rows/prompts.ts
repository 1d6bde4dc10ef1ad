import { atLeast, inPercent, inRowsOf, type Row, type RowContext, type RowResult } from '../row.ts';
import { findingsPerName, perGroup, shareMet } from './attribute-findings.ts';
import { surveyClips } from './survey.ts';

const aim = 0.9;
/** What has an aim of its own, because the rest would hide it. */
const aimsPerName = { shape: 0.9, glasses: 0.9, beard: 0.9 } as const;

export const promptRow: Row = {
  name: 'prompt',
  about: 'what the prompt asks for is in the picture',
  async run(context: RowContext): Promise<RowResult> {
    const clips = await surveyClips(context.count(100), context);
    const attributes = clips.flatMap((clip) => clip.attributes);
    const whole = clips.filter((clip) => clip.attributes.every(({ met }) => met)).length / clips.length;
    return {
      findings: [
        atLeast(
          `colors, kinds and features asked for, ${attributes.length} in ${clips.length} prompts`,
          shareMet(attributes),
          aim,
          inPercent,
        ),
        ...findingsPerName(attributes, aimsPerName),
        perGroup(
          'the same by size',
          clips,
          ({ size }) => size,
          (of) => inPercent(shareMet(of.flatMap((clip) => clip.attributes))),
        ),
        { what: 'prompts with everything right', measured: inPercent(whole), aim: '', met: undefined },
      ],
      sheet: inRowsOf(
        6,
        clips.slice(-30).flatMap(({ pictures }) => pictures.slice(3, 4)),
      ),
    };
  },
};
