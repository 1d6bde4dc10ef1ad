import { graphTargets } from '../../src/graph/graph-target.ts';
import { expandPrompt } from '../../src/ltx2/text/prompt-expansion.ts';
import { keptAttributes } from '../measures/kept-attributes.ts';
import { median } from '../measures/series.ts';
import { atLeast, inPercent, notThere, type Row, type RowContext, type RowResult } from '../row.ts';
import { SeededRandom } from '../seeded-random.ts';
import { type Omission, promptFor } from '../world/prompt.ts';
import { randomScene } from '../world/scene.ts';

const aim = 0.95;

export const promptExpansionRow: Row = {
  name: 'prompt-expansion',
  about: 'a longer prompt says everything the short one said',
  async run(context: RowContext): Promise<RowResult> {
    const { weights, device, signal } = context.studio;
    const prompts = context.count(100);
    const what = `attributes kept, ${prompts} prompts`;
    let [kept, asked, whole] = [0, 0, 0];
    const lengths: number[] = [];
    for (let index = 0; index < prompts; index++) {
      context.step(`prompt ${index + 1} of ${prompts}`);
      const random = new SeededRandom(11_000 + index);
      const scene = randomScene(random.pick(['speaker', 'speaker', 'shapes', 'sea', 'skyline']), random);
      const omitted = new Set<Omission>((['hair', 'shirt', 'ground'] as const).filter(() => random.chance(0.4)));
      const prompt = promptFor(scene, random, omitted);
      const options = { encoder: weights.textEncoder, target: graphTargets[device], seed: index, signal };
      const expanded = await expandPrompt(prompt, options);
      if (expanded === undefined) return { findings: [notThere(what, `≥ ${inPercent(aim)}`)] };
      const attributes = keptAttributes(scene, omitted, expanded);
      asked += attributes.length;
      kept += attributes.filter(Boolean).length;
      if (attributes.every(Boolean)) whole++;
      lengths.push(expanded.split(/\s+/).length / prompt.split(/\s+/).length);
    }
    const shown = `${median(lengths).toFixed(1)}×`;
    return {
      findings: [
        atLeast(what, kept / asked, aim, inPercent),
        { what: 'prompts kept whole', measured: inPercent(whole / prompts), aim: '', met: undefined },
        { what: 'words over the words given, median', measured: shown, aim: '', met: undefined },
      ],
    };
  },
};
