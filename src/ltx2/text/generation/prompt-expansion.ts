import type { GraphTarget } from '../../../graph/graph-target.ts';
import type { HostTensor } from '../../../graph/runtime/host-tensor.ts';
import { throwIfCancelled } from '../../../shared/cancellation.ts';
import type { RgbImage } from '../../rgb-image.ts';
import { type GemmaFolder, openTextEncoder } from '../gemma/gemma-folder.ts';
import { type PictureTokens, Tokenizer } from '../tokenizer.ts';
import { picturePixels } from '../vision/picture-pixels.ts';
import { pictureFeatures, visionTowerOf } from '../vision/vision-tower.ts';
import { TextGenerator } from './text-generator.ts';

export interface ExpansionOptions {
  /** Gemma folder. */
  readonly encoder: string;
  readonly target: GraphTarget;
  readonly seed: number;
  /** The picture that the clip begins with. */
  readonly image?: RgbImage | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface ExpandedPrompt {
  readonly text: string;
  /** Whether the image was looked at. */
  readonly sawImage: boolean;
}

const instruction = `You turn short requests for a video clip into full descriptions for a video model.
Write one flowing paragraph in the present progressive, in the order in which things happen. Stay faithful to the
request: keep every subject, action and quoted word in it, and add only what it implies about people, motion, setting,
light and framing. Leave the camera still unless the request moves it. Say what is heard as well: surroundings, effects,
music, or a voice and its character. Use plain words. Give the paragraph alone, without a title, list or comment.`;

const pictureInstruction = `You turn a picture and a short request into a description for a video model. The clip begins with this very
picture, so what it shows is known already: do not describe it again, but tell what happens from there on.
Write one flowing paragraph in the present progressive, in the order in which things happen, beginning with the first
movement. Stay faithful to the request: keep every subject, action and quoted word in it, and call what is in the picture by
the few words that tell it apart. Add only what picture and request imply about motion, expressions and changes of light. Where
they contradict each other, tell how the picture turns into what is asked for. Leave the camera still unless the request moves
it. Say what is heard as well: surroundings, effects, music, or a voice and its character. Use plain words. Give the paragraph
alone, without a title, list or comment.`;

/** As the reference samples: temperature 0.7, at most 512 tokens, the library's top-k of 50. */
const sampling = { temperature: 0.7, topK: 50, maxNewTokens: 512 } as const;

/**
 * Rewrites a prompt with the text encoder's own language model, in its chat format. An image is looked at where the encoder has a
 * vision tower and its chat template a place for pictures. Undefined where the encoder is no chat model (it has no chat template)
 * or answers with nothing.
 */
export async function expandPrompt(prompt: string, options: ExpansionOptions): Promise<ExpandedPrompt | undefined> {
  const { encoder, target, seed, signal } = options;
  const tokenizer = await Tokenizer.open(encoder);
  const seen = await pictureChat(prompt, tokenizer, options);
  const ids = seen?.ids ?? textChat(prompt, tokenizer);
  if (ids === undefined) return undefined;
  await throwIfCancelled(signal);
  await using generator = await TextGenerator.open(encoder, target, { sees: seen !== undefined });
  const answer = await generator.generate(ids, { ...sampling, features: seen?.features, seed, signal });
  const text = plainText(tokenizer.decode(answer.ids));
  return text === '' ? undefined : { text, sawImage: seen !== undefined };
}

function textChat(prompt: string, tokenizer: Tokenizer): readonly number[] | undefined {
  return tokenizer.encodeChat([
    { role: 'system', content: instruction },
    { role: 'user', content: `user prompt: ${prompt}` },
  ]);
}

/** The conversation about an image, and what its tokens stand for; undefined where there is none or it cannot be seen. */
async function pictureChat(
  prompt: string,
  tokenizer: Tokenizer,
  { encoder, target, image }: ExpansionOptions,
): Promise<{ ids: readonly number[]; features: HostTensor<'float32'> } | undefined> {
  if (image === undefined) return undefined;
  const folder = await openTextEncoder(encoder);
  const tower = visionTowerOf(folder);
  if (tower === undefined) return undefined;
  const ids = tokenizer.encodePictureChat(
    [
      { role: 'system', content: pictureInstruction },
      { role: 'user', content: [{ type: 'image' }, { type: 'text', text: `user prompt: ${prompt}` }] },
    ],
    pictureTokensOf(folder),
  );
  if (ids === undefined) return undefined;
  return { ids, features: await pictureFeatures(tower, await picturePixels(tower, image), target) };
}

/** How the folder's language model is shown a picture. */
export function pictureTokensOf({ config }: GemmaFolder): PictureTokens {
  return {
    begin: config.boi_token_index,
    part: config.image_token_index,
    end: config.eoi_token_index,
    parts: config.mm_tokens_per_image,
  };
}

/** Typographic quotes, dashes and spaces to ASCII; nothing before the first letter. */
export function plainText(text: string): string {
  return text
    .replace(/[\u2018\u2019\u2032]/g, "'")
    .replace(/[\u201c\u201d\u2033]/g, '"')
    .replace(/[\u2013\u2014]/g, '-')
    .replace(/\u00a0/g, ' ')
    .replace(/^[^\p{L}]+/u, '')
    .trim();
}
