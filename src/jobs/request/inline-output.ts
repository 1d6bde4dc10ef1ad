import { randomUUID } from 'node:crypto';
import type { Output } from '../../contract/output.ts';
import type { FileStore } from '../../files/file-store.ts';
import type { StoredFile } from '../../files/stored-file.ts';
import { asciiJson } from '../../shared/ascii-json.ts';

/** An output whose clip is part of it, as a data URI. A clip is never held in whole: it is read while it is written. */
export class InlineOutput {
  /** Of its JSON. */
  readonly bytes: number;
  readonly #before: string;
  readonly #after: string;
  readonly #file: StoredFile;
  readonly #files: FileStore;

  /** @param output its `video.url` does not matter */
  constructor({ video, ...rest }: Output, file: StoredFile, files: FileStore) {
    const mark = randomUUID();
    const json = asciiJson({ video: { ...video, url: mark }, ...rest });
    const at = json.indexOf(mark);
    this.#before = `${json.slice(0, at)}data:${file.contentType};base64,`;
    this.#after = json.slice(at + mark.length);
    this.bytes = this.#before.length + 4 * Math.ceil(file.size / 3) + this.#after.length;
    this.#file = file;
    this.#files = files;
  }

  /** Its JSON, ASCII only, in pieces. */
  async *json(): AsyncGenerator<string, void, undefined> {
    const opened = await this.#files.open(this.#file.id);
    if (opened === undefined) throw new Error(`the file ${this.#file.id} is gone`);
    yield this.#before;
    let rest: Buffer = Buffer.alloc(0);
    for await (const piece of opened.stream as AsyncIterable<Buffer>) {
      const bytes = Buffer.concat([rest, piece]);
      const whole = bytes.length - (bytes.length % 3);
      yield bytes.toString('base64', 0, whole);
      rest = bytes.subarray(whole);
    }
    yield rest.toString('base64') + this.#after;
  }
}
