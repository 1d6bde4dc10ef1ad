import { graphTargets } from '../../src/graph/graph-target.ts';
import { expandPrompt } from '../../src/ltx2/text/generation/prompt-expansion.ts';
import { type KeptAttribute, keptAttributes } from '../measures/attributes/kept-attributes.ts';
import { median } from '../measures/motion/series.ts';
import { atLeast, inPercent, notThere, type Row, type RowContext, type RowResult } from '../row.ts';
import { SeededRandom } from '../seeded-random.ts';
import { type Omission, personWords, promptFor } from '../world/prompt.ts';
import { type Motion, randomScene, type Scene, type Speaker } from '../world/scene.ts';
import { findingsPerName, shareMet } from './attribute-findings.ts';

const aim = 0.95;
const motions: readonly Motion[] = ['pulse', 'pulse', 'bounce', 'rise', 'spin'];
const everything = ['hair', 'shirt', 'ground'] as const satisfies readonly Omission[];

/** A prompt and what it says. */
interface Asked {
  readonly prompt: string;
  readonly scene: Scene;
  readonly omitted: ReadonlySet<Omission>;
}

export const promptExpansionRow: Row = {
  name: 'prompt-expansion',
  about: 'a longer prompt says everything the short one said',
  async run(context: RowContext): Promise<RowResult> {
    const { weights, device, signal } = context.studio;
    const prompts = context.count(100);
    const what = `attributes kept, ${prompts} prompts`;
    const kept: KeptAttribute[][] = [];
    const lengths: number[] = [];
    for (let index = 0; index < prompts; index++) {
      context.step(`prompt ${index + 1} of ${prompts}`);
      const { prompt, scene, omitted } = index % 5 === 4 ? shortest(index) : usual(index);
      const options = { encoder: weights.textEncoder, target: graphTargets[device], seed: index, signal };
      const expanded = await expandPrompt(prompt, options);
      if (expanded === undefined) return { findings: [notThere(what, `≥ ${inPercent(aim)}`)] };
      kept.push(keptAttributes(scene, omitted, expanded.text));
      lengths.push(expanded.text.split(/\s+/).length / prompt.split(/\s+/).length);
    }
    const shown = `${median(lengths).toFixed(1)}×`;
    const whole = kept.filter((attributes) => attributes.every(({ met }) => met)).length / prompts;
    return {
      findings: [
        atLeast(what, shareMet(kept.flat()), aim, inPercent),
        ...findingsPerName(kept.flat(), { glasses: 0.9, beard: 0.9 }),
        { what: 'prompts kept whole', measured: inPercent(whole), aim: '', met: undefined },
        { what: 'words over the words given, median', measured: shown, aim: '', met: undefined },
      ],
    };
  },
};

/** Any scene, some of it left out. */
function usual(index: number): Asked {
  const random = new SeededRandom(11_000 + index);
  const scene = moving(randomScene(random.pick(['speaker', 'speaker', 'shapes', 'sea', 'skyline']), random), random);
  const omitted = new Set<Omission>(everything.filter(() => random.chance(0.4)));
  return { prompt: promptFor(scene, random, omitted), scene, omitted };
}

/** "A man with a beard talks", "a boy with glasses speaks": as people type, and easily lost. */
function shortest(index: number): Asked {
  const random = new SeededRandom(11_000 + index);
  const beard = index % 2 === 0;
  const person = beard ? 'man' : random.pick(['man', 'boy', 'woman', 'girl'] as const);
  const scene: Speaker = { ...randomScene('speaker', random), person, beard, glasses: !beard || random.chance(0.2) };
  const omitted = new Set<Omission>(everything);
  return { prompt: `${personWords(scene, omitted)} ${random.pick(['talks', 'speaks'])}`, scene, omitted };
}

/** Shapes move in every way that the grammar knows. */
function moving(scene: Scene, random: SeededRandom): Scene {
  if (scene.kind !== 'shapes') return scene;
  return { ...scene, things: scene.things.map((thing) => ({ ...thing, motion: random.pick(motions) })) };
}
