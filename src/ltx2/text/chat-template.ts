import { join } from 'node:path';
import { Template } from '@huggingface/jinja';
import { z } from 'zod';
import { SoundstageError } from '../../shared/errors.ts';
import { readJsonIfThere, readTextIfThere } from './json-file.ts';

export interface ChatMessage {
  readonly role: 'system' | 'user' | 'assistant';
  /** Text, or text and pictures in order. */
  readonly content: string | readonly ContentPart[];
}

export type ContentPart = { readonly type: 'image' } | { readonly type: 'text'; readonly text: string };

/** Writes a conversation out in a model's own format, up to where the model's answer begins. */
export type ChatTemplate = (messages: readonly ChatMessage[]) => string;

const named = z.array(z.object({ name: z.string(), template: z.string() }));
const templateSetting = z.object({ chat_template: z.union([z.string(), named]).optional() });
const tokenSetting = z
  .union([z.string(), z.object({ content: z.string() }).transform(({ content }) => content)])
  .nullish()
  .transform((token) => token ?? undefined);
const tokenSettings = z.object({ bos_token: tokenSetting, eos_token: tokenSetting });

/**
 * Reads a folder's chat template from `chat_template.jinja`, `chat_template.json` or the tokenizer's settings, in
 * transformers' order; undefined if there is none.
 *
 * @throws SoundstageError `weights` if the template cannot be parsed
 */
export async function readChatTemplate(folder: string, settings: unknown): Promise<ChatTemplate | undefined> {
  const source =
    (await readTextIfThere(join(folder, 'chat_template.jinja'))) ??
    templateIn(await readJsonIfThere(join(folder, 'chat_template.json'))) ??
    templateIn(settings);
  if (source === undefined) return undefined;
  const tokens = tokenSettings.safeParse(settings).data ?? {};
  try {
    const template = new Template(source);
    return (messages) => template.render({ messages, add_generation_prompt: true, ...tokens });
  } catch (cause) {
    throw new SoundstageError('weights', `${folder} has a chat template that cannot be parsed`, { cause });
  }
}

function templateIn(json: unknown): string | undefined {
  const template = templateSetting.safeParse(json).data?.chat_template;
  if (typeof template !== 'object') return template;
  return template.find(({ name }) => name === 'default')?.template;
}
