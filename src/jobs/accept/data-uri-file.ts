import { randomUUID } from 'node:crypto';
import { type FileHandle, open, rm } from 'node:fs/promises';
import { DataUriDecoder, isDataUri, MalformedDataUri } from '../../fetching/data-uri/data-uri-decoder.ts';
import { diskFailure } from '../../files/blobs/spool.ts';
import { trimInvisible } from '../../shared/trim.ts';
import { type Attachment, UnreadableInput } from '../request/submission.ts';

/** Bytes in which a data URI has to show itself. */
const beginningCharacters = 256;
/** Characters of a data URI that stand for it in the input; more than a prompt may have, so that none may be one. */
const shownCharacters = 10_500;
/** Characters behind a data URI that are left out where they mean nothing. */
const maxSurroundings = 1024;

/** A data URI that is decoded into a file while the JSON string that it is in arrives. */
export class DataUriFile implements AsyncDisposable {
  readonly #path: string;
  readonly #position: number;
  readonly #handle: FileHandle;
  readonly #decoder = new DataUriDecoder();
  readonly #utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  /** Text that was not decoded yet: an escape sequence that has begun, what may be the end's surroundings. */
  #escape = '';
  #surroundings = '';
  #beginning = '';
  #received = 0;
  #size = 0;
  #malformed: string | undefined;

  private constructor(path: string, position: number, handle: FileHandle) {
    this.#path = path;
    this.#position = position;
    this.#handle = handle;
  }

  /** @param position where in the body the string begins */
  static async open(path: string, position: number): Promise<DataUriFile> {
    return new DataUriFile(path, position, await open(path, 'wx', 0o600));
  }

  /** Whether a JSON string that begins like this is a data URI. */
  static isBeginning(string: Buffer): boolean {
    const json = string.toString('utf8', 0, beginningCharacters);
    const text = json.replace(/\\(?:u[\da-f]{4}|[bfnrt])/gi, (escaped): string => JSON.parse(`"${escaped}"`));
    return isDataUri(trimInvisible(text));
  }

  /** Bytes of the file. */
  get size(): number {
    return this.#size;
  }

  /** @throws UnreadableInput where it is no JSON string */
  async write(bytes: Buffer): Promise<void> {
    this.#received += bytes.length;
    const json = this.#escape + this.#decoded(bytes, false);
    const whole = json.length - incompleteEscape(json);
    this.#escape = json.slice(whole);
    await this.#decode(this.#unescaped(json.slice(0, whole)));
  }

  /** @throws UnreadableInput where it is no JSON string */
  async end(): Promise<{ placeholder: string; attachment: Attachment; received: number }> {
    await this.#decode(this.#unescaped(this.#escape + this.#decoded(Buffer.alloc(0), true)));
    await this.#store(() => this.#decoder.end());
    await this.#handle.close();
    const placeholder = `${this.#beginning.slice(0, shownCharacters).toWellFormed()}…${randomUUID()}`;
    return { placeholder, attachment: await this.#attachment(), received: this.#received };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#handle.close();
  }

  async #attachment(): Promise<Attachment> {
    if (this.#malformed === undefined) return { path: this.#path, mediaType: this.#decoder.mediaType };
    await rm(this.#path);
    return { malformed: this.#malformed };
  }

  async #decode(piece: string): Promise<void> {
    const text = this.#surroundings + piece;
    // The URI begins behind what surrounds it.
    const own = this.#beginning === '' ? text.slice(text.search(/data:/i)) : text;
    this.#beginning ||= own;
    const end = trimInvisible(`.${own}`).length - 1;
    const cut = own.length - end > maxSurroundings ? own.length : end;
    this.#surroundings = own.slice(cut);
    await this.#store(() => this.#decoder.write(own.slice(0, cut)));
  }

  async #store(decode: () => Buffer): Promise<void> {
    if (this.#malformed !== undefined) return;
    try {
      const bytes = decode();
      if (bytes.length > 0) await this.#handle.appendFile(bytes);
      this.#size += bytes.length;
    } catch (error) {
      if (!(error instanceof MalformedDataUri)) throw diskFailure(error);
      this.#malformed = error.message;
    }
  }

  #decoded(bytes: Buffer, isLast: boolean): string {
    try {
      return this.#utf8.decode(bytes, { stream: !isLast });
    } catch (error) {
      throw UnreadableInput.notUtf8(error);
    }
  }

  #unescaped(json: string): string {
    try {
      return JSON.parse(`"${json}"`);
    } catch (error) {
      throw UnreadableInput.notJson(undefined, this.#position + this.#received, error);
    }
  }
}

/** Characters at the end of a JSON string's text that are the beginning of an escape sequence. */
function incompleteEscape(text: string): number {
  const near = Math.max(0, text.length - 6);
  const slash = near + text.slice(near).lastIndexOf('\\');
  if (slash < near) return 0;
  let first = slash;
  while (text[first - 1] === '\\') first--;
  const isEscaped = (slash - first) % 2 === 1;
  const length = text[slash + 1] === 'u' ? 6 : 2;
  return isEscaped || text.length - slash >= length ? 0 : text.length - slash;
}
