import { atLeast, type Finding, inPercent, type Row, type RowContext, type RowResult } from '../row.ts';
import { surveyClips } from './survey.ts';

const aim = 0.9;

export const promptRow: Row = {
  name: 'prompt',
  about: 'what the prompt asks for is in the picture',
  async run(context: RowContext): Promise<RowResult> {
    const clips = await surveyClips(context.count(100), context);
    const attributes = clips.flatMap((clip) => clip.attributes);
    const share = (met: readonly { readonly met: boolean }[]): number =>
      met.filter((one) => one.met).length / met.length;
    const whole = clips.filter((clip) => clip.attributes.every(({ met }) => met)).length / clips.length;
    const names = [...new Set(attributes.map(({ name }) => name))];
    const perName = names.map((name): Finding => {
      const of = attributes.filter((attribute) => attribute.name === name);
      return { what: `of these: ${name}, ${of.length} asked`, measured: inPercent(share(of)), aim: '', met: undefined };
    });
    return {
      findings: [
        atLeast(
          `colors and kinds asked for, ${attributes.length} in ${clips.length} prompts`,
          share(attributes),
          aim,
          inPercent,
        ),
        ...perName,
        { what: 'prompts with everything right', measured: inPercent(whole), aim: '', met: undefined },
      ],
      sheet: inRowsOf(
        6,
        clips.slice(-30).flatMap(({ pictures }) => pictures.slice(3, 4)),
      ),
    };
  },
};

function inRowsOf<T>(columns: number, all: readonly T[]): T[][] {
  return Array.from({ length: Math.ceil(all.length / columns) }, (_, row) =>
    all.slice(row * columns, (row + 1) * columns),
  );
}
