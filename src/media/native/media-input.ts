import { type Stats, statSync } from 'node:fs';
import type { AVMediaType } from 'node-av/constants';
import { AV_DISPOSITION_ATTACHED_PIC, AVDISCARD_ALL, AVERROR_EAGAIN, AVMEDIA_TYPE_AUDIO } from 'node-av/constants';
import { Dictionary, FormatContext, Packet, type Stream } from 'node-av/lib';
import { SoundstageError } from '../../shared/errors.ts';

// Self-contained formats only: playlists and scripts (hls, concat, dash, sdp, image sequences) may name other files.
const formats =
  'mov,mp4,matroska,webm,mp3,wav,w64,flac,ogg,aac,aiff,caf,asf,avi,flv,mpegts,mpeg,amr,ac3,eac3,au,ape,wv,tta,tak,gif';

/** Opens `path` as an untrusted recording: its content decides the format, and it can name no other file. */
export class MediaInput implements AsyncDisposable {
  readonly #format: FormatContext;
  readonly fileSize: number;

  private constructor(format: FormatContext, fileSize: number) {
    this.#format = format;
    this.fileSize = fileSize;
  }

  /** @param field Request field to blame when the file cannot be opened. */
  static async open(path: string, field: string): Promise<MediaInput> {
    const { size } = fileAt(path, field);
    const input = new MediaInput(new FormatContext(), size);
    try {
      using options = Dictionary.fromObject({ format_whitelist: formats, protocol_whitelist: 'file' });
      if ((await input.#format.openInput(`file:${path}`, null, options)) < 0) throw unreadable(field);
      if ((await input.#format.findStreamInfo()) < 0) throw unreadable(field);
      return input;
    } catch (error) {
      await input[Symbol.asyncDispose]();
      throw error;
    }
  }

  get container(): string {
    return this.#format.iformat?.name ?? 'unknown';
  }

  get streamCount(): number {
    return this.#format.streams.length;
  }

  /** Seconds, as stated by the container or guessed; undefined if neither. */
  get duration(): number | undefined {
    const { duration } = this.#format;
    return duration > 0n ? Number(duration) / 1e6 : undefined;
  }

  /** The stream a player would choose; a picture embedded in a sound file does not count as video. */
  bestStream(type: AVMediaType): Stream | undefined {
    const stream = this.#format.streams[this.#format.findBestStream(type)];
    return stream?.hasDisposition(AV_DISPOSITION_ATTACHED_PIC) ? undefined : stream;
  }

  /** The audio stream, or an error that says the file has none. */
  audioStream(field: string): Stream {
    const stream = this.bestStream(AVMEDIA_TYPE_AUDIO);
    if (stream !== undefined && stream.codecpar.sampleRate > 0 && stream.codecpar.channels > 0) return stream;
    throw new SoundstageError('input', `The ${field} file has no audio track: choose a file that contains sound.`, {
      field,
    });
  }

  /**
   * Every readable packet of `streams`; a file that ends too early or breaks part-way just ends there.
   * The packet is reused: it is valid until the next one is asked for.
   */
  async *packets(streams: readonly Stream[]): AsyncGenerator<Packet, void, undefined> {
    const wanted = new Set(streams.map((stream) => stream.index));
    for (const stream of this.#format.streams) if (!wanted.has(stream.index)) stream.discard = AVDISCARD_ALL;
    using packet = new Packet();
    packet.alloc();
    while (true) {
      const status = await this.#format.readFrame(packet);
      if (status === AVERROR_EAGAIN) continue;
      if (status < 0) return;
      if (wanted.has(packet.streamIndex)) yield packet;
      packet.unref();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#format.closeInput();
  }
}

/** The regular, non-empty file at `path`; anything else is an input error that says which it is. */
export function fileAt(path: string, field: string): Stats {
  const stats = statSync(path, { throwIfNoEntry: false });
  if (stats === undefined) throw new SoundstageError('input', `The ${field} file ${path} does not exist.`, { field });
  if (!stats.isFile()) throw new SoundstageError('input', `The ${field} path ${path} is not a file.`, { field });
  if (stats.size === 0) {
    throw new SoundstageError('input', `The ${field} file is empty (0 bytes): upload it again.`, { field });
  }
  return stats;
}

function unreadable(field: string): SoundstageError {
  const message = `The ${field} file is not a recording that can be read: use mp3, wav, flac, m4a, ogg, webm, mp4 or mov.`;
  return new SoundstageError('input', message, { field });
}
