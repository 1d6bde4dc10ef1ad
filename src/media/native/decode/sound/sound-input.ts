import type { Frame, Stream } from 'node-av/lib';
import { SoundstageError } from '../../../../shared/errors.ts';
import { type FilePart, fileAt, MediaInput } from '../media-input.ts';
import { withoutSound } from '../unreadable.ts';
import { decodeAudioFrames } from './audio-frames.ts';
import { oggParts } from './ogg-parts.ts';
import { uniformFrames } from './uniform-frames.ts';

interface Track {
  readonly input: MediaInput;
  readonly stream: Stream;
}

/** The sound of an untrusted file: its default track, or else the first that can be decoded. */
export class SoundInput implements AsyncDisposable {
  /** Of a file that is a chain of parts, the first. */
  readonly input: MediaInput;
  readonly stream: Stream;
  readonly #path: string;
  readonly #field: string;
  readonly #furtherParts: readonly FilePart[];

  private constructor(path: string, field: string, { input, stream }: Track, furtherParts: readonly FilePart[]) {
    this.#path = path;
    this.#field = field;
    this.input = input;
    this.stream = stream;
    this.#furtherParts = furtherParts;
  }

  /** @param field Request field to blame when there is no sound to be had. */
  static async open(path: string, field: string): Promise<SoundInput> {
    fileAt(path, field);
    const [first, ...further] = await oggParts(path);
    return new SoundInput(path, field, await openTrack(path, field, further.length > 0 ? first : undefined), further);
  }

  /** True when the file is a chain of recordings, each with a format of its own. */
  get chained(): boolean {
    return this.#furtherParts.length > 0;
  }

  /**
   * Decodes everything, frame by frame, into the sample rate, channels and sample format that it begins with. Damaged
   * packets are passed over. The frame is reused: valid until the next one is asked for.
   *
   * @throws SoundstageError `input`: not one frame can be decoded, of the file or of a part in the chain.
   */
  frames(): AsyncGenerator<Frame, void, undefined> {
    return uniformFrames(this.#decoded(), this.#field);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.input[Symbol.asyncDispose]();
  }

  async *#decoded(): AsyncGenerator<Frame, void, undefined> {
    yield* decodeAudioFrames(this.input, this.stream, this.#field);
    for (const [index, part] of this.#furtherParts.entries()) {
      try {
        const track = await openTrack(this.#path, this.#field, part);
        await using input = track.input;
        yield* decodeAudioFrames(input, track.stream, this.#field);
      } catch (error) {
        throw isInputError(error) ? unusablePart(this.#field, index + 2, error) : error;
      }
    }
  }
}

async function openTrack(path: string, field: string, part?: FilePart): Promise<Track> {
  await using resources = new AsyncDisposableStack();
  const input = resources.use(await MediaInput.open(path, field, part));
  const [preferred, ...others] = input.soundTracks;
  if (preferred === undefined) throw await withoutSound(path, field);
  let stream = preferred;
  if (others.length > 0) {
    const index = await firstDecodable(path, field, part);
    stream = input.soundTracks.find((track) => track.index === index) ?? preferred;
  }
  resources.move();
  return { input, stream };
}

/** Index of the first track with a frame that can be decoded. Phones add tracks that only their maker's players know. */
async function firstDecodable(path: string, field: string, part: FilePart | undefined): Promise<number | undefined> {
  for (let place = 0; ; place++) {
    // Looking for a frame uses an input up.
    await using input = await MediaInput.open(path, field, part);
    const stream = input.soundTracks[place];
    if (stream === undefined) return undefined;
    if (await isDecodable(input, stream, field)) return stream.index;
  }
}

async function isDecodable(input: MediaInput, stream: Stream, field: string): Promise<boolean> {
  const frames = decodeAudioFrames(input, stream, field);
  try {
    return (await frames.next()).done !== true;
  } catch (error) {
    if (isInputError(error)) return false;
    throw error;
  } finally {
    await frames.return();
  }
}

function isInputError(error: unknown): boolean {
  return error instanceof SoundstageError && error.kind === 'input';
}

function unusablePart(field: string, part: number, cause: unknown): SoundstageError {
  const message =
    `The ${field} file consists of several recordings joined end to end, of which number ${part} cannot be decoded: ` +
    'convert it to one wav or mp3 first.';
  return new SoundstageError('input', message, { field, cause });
}
