import { type ReadonlySignal, signal } from '@preact/signals';
import type { Delivery, FileInput } from '../files/file-input.ts';
import { StoredFile } from '../files/stored-file.ts';
import { Upload } from '../files/upload.ts';
import { fileName } from '../server/connection.ts';

/** What the page can show of a picture. */
type Content =
  | { readonly state: 'reading'; readonly activity: string }
  | { readonly state: 'readable'; readonly shownUrl: string; readonly width: number; readonly height: number }
  /** This browser cannot decode it; the server may. */
  | { readonly state: 'unreadable' }
  /** The server does not have it any more. */
  | { readonly state: 'gone' };

/** A picture the clip begins or ends with. */
export class Picture implements FileInput {
  readonly name: string;
  readonly #content = signal<Content>({ state: 'reading', activity: 'Reading the picture…' });
  readonly #file: Upload | StoredFile;
  readonly #released = new AbortController();

  readonly content: ReadonlySignal<Content> = this.#content;

  private constructor(name: string, file: Upload | StoredFile) {
    this.name = name;
    this.#file = file;
  }

  /** One that was chosen on this page; it is on its way to the server from now on. */
  static chosen(source: Blob, name: string): Picture {
    const upload = new Upload('picture', () => new File([source], name, { type: source.type }));
    const picture = new Picture(name, upload);
    void picture.#show(source);
    void upload.deliver();
    return picture;
  }

  /** One that is on the server. */
  static stored(url: string): Picture {
    const file = new StoredFile('picture', url);
    const picture = new Picture(fileName(url), file);
    void picture.#fetch(file);
    return picture;
  }

  get delivery(): ReadonlySignal<Delivery> {
    return this.#file.delivery;
  }

  deliver(): Promise<void> {
    return this.#file.deliver();
  }

  release(): void {
    this.#released.abort();
  }

  async #fetch(file: StoredFile): Promise<void> {
    const tell = (activity = 'Reading the picture…'): void => {
      this.#content.value = { state: 'reading', activity };
    };
    const source = await file.read(tell, this.#released.signal);
    if (source === undefined) this.#content.value = { state: 'gone' };
    else await this.#show(source);
  }

  async #show(source: Blob): Promise<void> {
    const { signal } = this.#released;
    const shownUrl = URL.createObjectURL(source);
    signal.addEventListener('abort', () => URL.revokeObjectURL(shownUrl));
    const size = await sizeOf(shownUrl);
    this.#content.value = size === undefined ? { state: 'unreadable' } : { state: 'readable', shownUrl, ...size };
  }
}

/** Pixels; undefined where this browser cannot decode it. */
function sizeOf(url: string): Promise<{ readonly width: number; readonly height: number } | undefined> {
  const { promise, resolve } = Promise.withResolvers<{ width: number; height: number } | undefined>();
  const image = new Image();
  image.onload = () => resolve({ width: image.naturalWidth, height: image.naturalHeight });
  image.onerror = () => resolve(undefined);
  image.src = url;
  return promise;
}
