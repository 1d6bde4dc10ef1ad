import { join } from 'node:path';
import { Tokenizer as BytePairTokenizer } from '@huggingface/tokenizers';
import { z } from 'zod';
import { SoundstageError } from '../../shared/errors.ts';
import { type ChatMessage, type ChatTemplate, type ContentPart, readChatTemplate } from './chat-template.ts';
import { readJson } from './json-file.ts';

/** A prompt as token ids. */
export interface EncodedPrompt {
  /** The n valid ids, beginning-of-sequence first. */
  readonly ids: readonly number[];
  /** `maxLength` ids, padded on the left with 0. */
  readonly padded: Int32Array;
  /** `maxLength` ones (valid) and zeros (padding). */
  readonly mask: Int32Array;
}

/** Ids of the special tokens that a picture is written with, and how many parts it has. */
export interface PictureTokens {
  readonly begin: number;
  readonly part: number;
  readonly end: number;
  readonly parts: number;
}

const tokenizerFile = z.looseObject({ model: z.looseObject({ vocab: z.unknown() }) });
const tokenizerSettings = z.looseObject({});

/** Gemma's tokenizer: `tokenizer.json` and `tokenizer_config.json` of a folder, and its chat template if it has one. */
export class Tokenizer {
  readonly #pairs: BytePairTokenizer;
  readonly #chatTemplate: ChatTemplate | undefined;

  private constructor(pairs: BytePairTokenizer, chatTemplate: ChatTemplate | undefined) {
    this.#pairs = pairs;
    this.#chatTemplate = chatTemplate;
  }

  /** @throws SoundstageError `weights` if a file is missing or not a tokenizer's */
  static async open(folder: string): Promise<Tokenizer> {
    const [json, settings] = await Promise.all([
      readJson(join(folder, 'tokenizer.json')),
      readJson(join(folder, 'tokenizer_config.json')),
    ]);
    try {
      const config = tokenizerSettings.parse(settings);
      const pairs = new BytePairTokenizer(tokenizerFile.parse(json), config);
      return new Tokenizer(pairs, await readChatTemplate(folder, config));
    } catch (cause) {
      if (cause instanceof SoundstageError) throw cause;
      throw new SoundstageError('weights', `${folder} holds no usable tokenizer`, { cause });
    }
  }

  /** Ids of a prompt: stripped, begun with the beginning-of-sequence token, cut on the right to `maxLength`. */
  encodePrompt(text: string, maxLength: number): EncodedPrompt {
    const ids = this.#pairs.encode(strip(text)).ids.slice(0, maxLength);
    const padded = new Int32Array(maxLength);
    padded.set(ids, maxLength - ids.length);
    const mask = new Int32Array(maxLength).fill(1, maxLength - ids.length);
    return { ids, padded, mask };
  }

  /**
   * Ids of a conversation in the folder's chat format, ending where the model's answer begins; undefined if the folder
   * has no chat template (it is not a chat model).
   */
  encodeChat(messages: readonly ChatMessage[]): readonly number[] | undefined {
    const text = this.#chatTemplate?.(messages);
    // The template writes the beginning-of-sequence token itself.
    return text === undefined ? undefined : this.#pairs.encode(text, { add_special_tokens: false }).ids;
  }

  /**
   * Ids of a conversation with pictures, each of them in its place as a begin, so many parts and an end; undefined if the folder
   * has no chat template, or one that has no place for pictures, or a tokenizer without these tokens.
   */
  encodePictureChat(messages: readonly ChatMessage[], tokens: PictureTokens): readonly number[] | undefined {
    const [begin, part, end] = [tokens.begin, tokens.part, tokens.end].map((id) => this.#pairs.id_to_token(id));
    if (begin === undefined || part === undefined || end === undefined) return undefined;
    const plain = messages.map((message) => withoutNames(message, [begin, part, end]));
    const pieces = this.#rendered(plain)?.split(begin);
    if (pieces?.length !== 1 + countPictures(messages)) return undefined;
    // As transformers' processor writes it.
    const picture = `\n\n${begin}${part.repeat(tokens.parts)}${end}\n\n`;
    return this.#pairs.encode(pieces.join(picture), { add_special_tokens: false }).ids;
  }

  /** A conversation with pictures in the folder's format; undefined where the template takes no parts. */
  #rendered(messages: readonly ChatMessage[]): string | undefined {
    try {
      return this.#chatTemplate?.(messages);
    } catch {
      return undefined;
    }
  }

  /** Text of generated ids, without special tokens. */
  decode(ids: readonly number[]): string {
    return this.#pairs.decode([...ids], { skip_special_tokens: true });
  }
}

// Python's idea of white space: Unicode's, and the four ASCII separators.
// biome-ignore lint/suspicious/noControlCharactersInRegex: the separators are meant
const space = /[\p{White_Space}\x1c-\x1f]/u;

/** `str.strip` as the reference calls it; `trim` also takes the byte order mark and leaves some of these. */
function strip(text: string): string {
  const characters = [...text];
  const first = characters.findIndex((character) => !space.test(character));
  const last = characters.findLastIndex((character) => !space.test(character));
  return first === -1 ? '' : characters.slice(first, last + 1).join('');
}

function countPictures(messages: readonly ChatMessage[]): number {
  const parts = messages.flatMap(({ content }) => (typeof content === 'string' ? [] : content));
  return parts.filter(({ type }) => type === 'image').length;
}

/** A message whose text does not name special tokens: those of a caller would be taken for pictures. */
function withoutNames({ role, content }: ChatMessage, names: readonly string[]): ChatMessage {
  const plain = (text: string): string => names.reduce((rest, name) => rest.replaceAll(name, ''), text);
  const plainPart = (part: ContentPart): ContentPart =>
    part.type === 'image' ? part : { type: 'text', text: plain(part.text) };
  return { role, content: typeof content === 'string' ? plain(content) : content.map(plainPart) };
}
