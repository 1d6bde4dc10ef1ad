import type { GraphTarget } from '../../../graph/graph-target.ts';
import { Tokenizer } from '../tokenizer.ts';
import { TextGenerator } from './text-generator.ts';

export interface ExpansionOptions {
  /** Gemma folder. */
  readonly encoder: string;
  readonly target: GraphTarget;
  readonly seed: number;
  readonly signal?: AbortSignal | undefined;
}

const instruction = `You turn short requests for a video clip into full descriptions for a video model.
Write one flowing paragraph in the present progressive, in the order in which things happen. Stay faithful to the
request: keep every subject, action and quoted word in it, and add only what it implies about people, motion, setting,
light and framing. Leave the camera still unless the request moves it. Say what is heard as well: surroundings, effects,
music, or a voice and its character. Use plain words. Give the paragraph alone, without a title, list or comment.`;

/** As the reference samples: temperature 0.7, at most 512 tokens, the library's top-k of 50. */
const sampling = { temperature: 0.7, topK: 50, maxNewTokens: 512 } as const;

/**
 * Rewrites a prompt with the text encoder's own language model, in its chat format. Undefined where the encoder is no
 * chat model (it has no chat template) or answers with nothing.
 */
export async function expandPrompt(prompt: string, options: ExpansionOptions): Promise<string | undefined> {
  const { encoder, target, seed, signal } = options;
  const tokenizer = await Tokenizer.open(encoder);
  const ids = tokenizer.encodeChat([
    { role: 'system', content: instruction },
    { role: 'user', content: `user prompt: ${prompt}` },
  ]);
  if (ids === undefined) return undefined;
  await using generator = await TextGenerator.open(encoder, target);
  const answer = await generator.generate(ids, { ...sampling, seed, signal });
  return plainText(tokenizer.decode(answer.ids)) || undefined;
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
