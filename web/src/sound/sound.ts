import { computed, type ReadonlySignal, signal } from '@preact/signals';
import type { Delivery, FileInput } from '../files/file-input.ts';
import { foreignKind } from '../files/foreign-file.ts';
import { StoredFile } from '../files/stored-file.ts';
import { UnfitFile, Upload } from '../files/upload.ts';
import { ask, fileName } from '../server/connection.ts';
import { decodeSound } from './decode-sound.ts';
import { type Trim, waveFile } from './wave-file.ts';

/** What the page can show of a recording. */
type Content =
  | { readonly state: 'reading'; readonly activity: string }
  | { readonly state: 'readable'; readonly samples: AudioBuffer }
  /** This browser cannot decode it; the server may. */
  | { readonly state: 'unreadable' }
  /** The server does not have it any more. */
  | { readonly state: 'gone' };

/** A stretch of a recording, and the file that it is sent as. */
interface Cut {
  readonly trim: Trim;
  readonly file: Upload | StoredFile;
}

const uploadDelay = 500;

/** A recording as the sound of the clip: all of it, or a stretch. */
export class Sound implements FileInput {
  readonly name: string;
  readonly #content = signal<Content>({ state: 'reading', activity: 'Reading the recording…' });
  readonly #whole: Upload | StoredFile;
  /** Undefined: it was never cut. */
  readonly #cut = signal<Cut | undefined>(undefined);
  readonly #released = new AbortController();
  #timer: ReturnType<typeof setTimeout> | undefined;

  readonly content: ReadonlySignal<Content> = this.#content;
  readonly delivery: ReadonlySignal<Delivery> = computed(() => this.#sent().delivery.value);
  /** What of it is used; undefined where its length is not known. */
  readonly trim: ReadonlySignal<Trim | undefined> = computed(() => {
    const content = this.#content.value;
    return content.state === 'readable' ? (this.#cut.value?.trim ?? wholeOf(content.samples)) : undefined;
  });

  private constructor(name: string, whole: Upload | StoredFile) {
    this.name = name;
    this.#whole = whole;
  }

  /** One that was chosen on this page; it is on its way to the server from now on. */
  static chosen(source: Blob, name: string): Sound {
    const type = source.type || 'application/octet-stream';
    const upload = new Upload('recording', async () => {
      const kind = await foreignKind(source);
      if (kind !== undefined) throw new UnfitFile(`${name} is ${kind}. Choose a file with sound in it.`);
      return new File([source], name, { type });
    });
    const sound = new Sound(name, upload);
    void sound.#decode(source);
    void upload.deliver();
    return sound;
  }

  /** One that is on the server. */
  static stored(url: string): Sound {
    const file = new StoredFile('recording', url);
    const sound = new Sound(fileName(url), file);
    void sound.#fetch(file);
    return sound;
  }

  /** One that comes with the page, from its address; it goes to the server like one that was chosen. */
  static bundled(url: string, name: string): Sound {
    const read = async (): Promise<File> => {
      const content = await ask(url, (reply) => reply.blob());
      return new File([content], name, { type: content.type });
    };
    const upload = new Upload('recording', read);
    const sound = new Sound(name, upload);
    // Where it cannot be read, the upload says so.
    void read().then(
      (source) => sound.#decode(source),
      () => {},
    );
    void upload.deliver();
    return sound;
  }

  /** Takes a stretch of it alone. */
  cut(trim: Trim): void {
    const content = this.#content.value;
    if (content.state !== 'readable') return;
    const { samples } = content;
    const isWhole = trim.start === 0 && trim.end >= samples.duration;
    this.#cut.value = { trim, file: isWhole ? this.#whole : this.#cutFile(samples, trim) };
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.deliver(), uploadDelay);
  }

  async deliver(): Promise<void> {
    clearTimeout(this.#timer);
    await this.#sent().deliver();
  }

  release(): void {
    clearTimeout(this.#timer);
    this.#released.abort();
  }

  #sent(): Upload | StoredFile {
    return this.#cut.value?.file ?? this.#whole;
  }

  #cutFile(samples: AudioBuffer, trim: Trim): Upload {
    const name = `${this.name.replace(/\.[^.]*$/, '')}-cut.wav`;
    return new Upload('recording', () => new File([waveFile(samples, trim)], name, { type: 'audio/wav' }));
  }

  async #fetch(file: StoredFile): Promise<void> {
    const tell = (activity = 'Reading the recording…'): void => {
      this.#content.value = { state: 'reading', activity };
    };
    const source = await file.read(tell, this.#released.signal);
    if (source === undefined) this.#content.value = { state: 'gone' };
    else await this.#decode(source);
  }

  async #decode(source: Blob): Promise<void> {
    const samples = await decodeSound(source);
    this.#content.value = samples === undefined ? { state: 'unreadable' } : { state: 'readable', samples };
  }
}

function wholeOf({ duration }: AudioBuffer): Trim {
  return { start: 0, end: duration };
}
