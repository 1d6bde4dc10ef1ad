import { z } from 'zod';
import { floatTensor, type HostTensor, hostTensor } from '../../graph/runtime/host-tensor.ts';
import { openTextEncoder } from '../../ltx2/text/gemma/gemma-folder.ts';
import { LanguageModel } from '../../ltx2/text/gemma/language-model.ts';
import { pictureTokensOf } from '../../ltx2/text/generation/prompt-expansion.ts';
import { Tokenizer } from '../../ltx2/text/tokenizer.ts';
import { picturePixels } from '../../ltx2/text/vision/picture-pixels.ts';
import { pictureFeatures, type VisionTower, visionTowerOf } from '../../ltx2/text/vision/vision-tower.ts';
import { elementAt } from '../../shared/element-at.ts';
import type { Evaluators, ParityCase } from './parity-case.ts';

const chatParams = z.object({ system: z.string(), user: z.string(), picture: z.boolean() });

/** What Gemma makes of a picture, beside the modules of the published format. */
export const pictureEvaluators: Evaluators = {
  picture_pixels: async (parityCase) => {
    const { data, shape } = await parityCase.integers('picture');
    const [height, width] = [elementAt(shape, 0), elementAt(shape, 1)];
    if (!(data instanceof Uint8Array)) throw new Error('the picture has no bytes');
    return { pixels: await picturePixels(await tower(parityCase), { rgb: data, width, height }) };
  },

  picture_features: async (parityCase) => {
    const pixels = await parityCase.floats('pixels');
    return { features: await pictureFeatures(await tower(parityCase), pixels, parityCase.target) };
  },

  picture_chat: async (parityCase) => {
    const { system, user, picture } = parityCase.params(chatParams);
    const tokenizer = await Tokenizer.open(parityCase.file('gemma'));
    const instruction = { role: 'system', content: system } as const;
    const ids = picture
      ? tokenizer.encodePictureChat(
          [instruction, { role: 'user', content: [{ type: 'image' }, { type: 'text', text: user }] }],
          pictureTokensOf(await openTextEncoder(parityCase.file('gemma'))),
        )
      : tokenizer.encodeChat([instruction, { role: 'user', content: user }]);
    if (ids === undefined) throw new Error('the folder has no chat template for this');
    return { ids: hostTensor('int32', Int32Array.from(ids), [1, ids.length]) };
  },

  /** The prompt in one run, the ids that follow in a run each. */
  picture_logits: async (parityCase) => {
    const pixels = await parityCase.floats('pixels');
    const features = await pictureFeatures(await tower(parityCase), pixels, parityCase.target);
    const [prompt, following] = [await numbers(parityCase, 'ids'), await numbers(parityCase, 'following')];
    await using model = await LanguageModel.open(parityCase.file('gemma'), parityCase.target, { sees: true });
    const decode = model.begin(prompt.length + following.length);
    const rows = [await decode(prompt, features)];
    for (const id of following) rows.push(await decode([id]));
    const logits = Float32Array.from(rows.flatMap((row) => [...row]));
    return { logits: floatTensor(logits, [rows.length, logits.length / rows.length]) };
  },
};

async function tower(parityCase: ParityCase): Promise<VisionTower> {
  const folder = await openTextEncoder(parityCase.file('gemma'));
  const found = visionTowerOf(folder);
  if (found === undefined) throw new Error(`${folder.path} has no vision tower`);
  return found;
}

async function numbers(parityCase: ParityCase, input: string): Promise<readonly number[]> {
  const { data }: HostTensor = await parityCase.integers(input);
  return Array.from(data, Number);
}
