import { type Attachment, type ReceivedInput, UnreadableInput } from '../request/submission.ts';
import { DataUriFile } from './data-uri-file.ts';

/** Bytes of the text without the large data URIs; more than any valid input has. */
const maxText = 2 ** 20;
/** Bytes up to which a string stays in the text whatever it is; more than a prompt may have, each character escaped. */
const maxString = 64 * 1024;

const quoteByte = 0x22;
const backslashByte = 0x5c;

/**
 * Takes the JSON of an input as it arrives. Large data URIs are decoded into files at once: what is held, parsed and
 * stored is a small text in any case, and no step takes longer than the piece that arrived. Dispose to close what is
 * open; the files stay.
 */
export class InputReceiver implements AsyncDisposable {
  readonly #newPath: () => Promise<string>;
  readonly #attachments = new Map<string, Attachment>();
  /** Where in the text something was left out, and how much. */
  readonly #gaps: { readonly at: number; readonly bytes: number }[] = [];
  #text = Buffer.alloc(0);
  #length = 0;
  #bodyBytes = 0;
  #fileBytes = 0;
  /** Where in the text the current string began; undefined between strings. */
  #string: number | undefined;
  /** Of the current string, whatever its length. */
  #isPlain = false;
  #isEscaped = false;
  #file: DataUriFile | undefined;

  /** @param newPath makes a path that nothing else uses; called for large data URIs only */
  constructor(newPath: () => Promise<string>) {
    this.#newPath = newPath;
  }

  /** In memory. */
  get textBytes(): number {
    return this.#text.length;
  }

  /** On disk. */
  get fileBytes(): number {
    return this.#fileBytes + (this.#file?.size ?? 0);
  }

  /** @throws UnreadableInput */
  async write(chunk: Buffer): Promise<void> {
    this.#bodyBytes += chunk.length;
    for (let at = 0; at < chunk.length; ) {
      const quote = this.#string === undefined ? chunk.indexOf(quoteByte, at) : this.#closingQuote(chunk, at);
      const end = quote < 0 ? chunk.length : quote;
      const piece = chunk.subarray(at, end);
      if (this.#string === undefined) this.#keep(piece);
      else await this.#takeString(this.#string, piece);
      if (quote >= 0) await this.#turn(chunk.subarray(quote, quote + 1));
      at = end + 1;
    }
  }

  /** @throws UnreadableInput */
  end(): ReceivedInput {
    if (this.#file !== undefined) throw UnreadableInput.notJson(undefined, this.#bodyBytes);
    const text = decoded(this.#text.subarray(0, this.#length));
    try {
      return { input: JSON.parse(text), attachments: this.#attachments };
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
      const found = /at position (\d+)/.exec(error.message)?.[1];
      const position = this.#positionInBody(found === undefined ? text.length : Number(found));
      throw UnreadableInput.notJson(text.trim() === '' ? 'the body is empty' : undefined, position, error);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#file?.[Symbol.asyncDispose]();
  }

  /** -1 where the string goes on. */
  #closingQuote(chunk: Buffer, from: number): number {
    const quote = chunk.indexOf(quoteByte, from);
    // Most of what is large has no escapes, and is looked through faster without a thought for them.
    const end = quote < 0 ? chunk.length : quote;
    if (!this.#isEscaped && !chunk.subarray(from, end).includes(backslashByte)) return quote;
    for (let at = from; at < chunk.length; at++) {
      const byte = chunk[at];
      if (this.#isEscaped) this.#isEscaped = false;
      else if (byte === quoteByte) return at;
      else if (byte === backslashByte) this.#isEscaped = true;
    }
    return -1;
  }

  async #takeString(start: number, piece: Buffer): Promise<void> {
    if (this.#file === undefined && !this.#isPlain && this.#length - start + piece.length > maxString) {
      const beginning = Buffer.concat([this.#text.subarray(start, this.#length), piece]);
      this.#isPlain = !DataUriFile.isBeginning(beginning);
      if (!this.#isPlain) {
        this.#length = start;
        this.#file = await DataUriFile.open(await this.#newPath(), this.#positionInBody(start));
        return await this.#file.write(beginning);
      }
    }
    if (this.#file === undefined) this.#keep(piece);
    else await this.#file.write(piece);
  }

  /** From between strings into one, or back. */
  async #turn(quote: Buffer): Promise<void> {
    if (this.#file !== undefined) {
      const { placeholder, attachment, received } = await this.#file.end();
      this.#attachments.set(placeholder, attachment);
      const text = Buffer.from(JSON.stringify(placeholder).slice(1, -1));
      this.#keep(text);
      this.#gaps.push({ at: this.#length, bytes: received - text.length });
      this.#fileBytes += this.#file.size;
      this.#file = undefined;
    }
    this.#keep(quote);
    this.#string = this.#string === undefined ? this.#length : undefined;
    this.#isPlain = false;
  }

  #keep(piece: Buffer): void {
    const length = this.#length + piece.length;
    if (length > maxText) throw UnreadableInput.tooLarge(maxText);
    if (length > this.#text.length) {
      const larger = Buffer.alloc(Math.min(maxText, 2 * length));
      this.#text.copy(larger, 0, 0, this.#length);
      this.#text = larger;
    }
    piece.copy(this.#text, this.#length);
    this.#length = length;
  }

  #positionInBody(position: number): number {
    return this.#gaps.reduce((sum, { at, bytes }) => (at <= position ? sum + bytes : sum), position);
  }
}

const utf8 = new TextDecoder('utf-8', { fatal: true });

function decoded(bytes: Buffer): string {
  try {
    return utf8.decode(bytes);
  } catch (error) {
    throw UnreadableInput.notUtf8(error);
  }
}
