import { closeSync, openSync, readSync, type Stats, statSync } from 'node:fs';
import type { AVMediaType } from 'node-av/constants';
import {
  AV_DISPOSITION_ATTACHED_PIC,
  AV_DISPOSITION_DEFAULT,
  AV_NOPTS_VALUE,
  AVDISCARD_ALL,
  AVERROR_EAGAIN,
  AVMEDIA_TYPE_AUDIO,
} from 'node-av/constants';
import { Dictionary, FormatContext, Packet, type Stream } from 'node-av/lib';
import { SoundstageError } from '../../../shared/errors.ts';
import { mistakenContent, telltaleBytes } from '../../../shared/folders/mistaken-content.ts';
import { unreadable } from './unreadable.ts';

// Self-contained formats only: playlists and scripts (hls, concat, dash, sdp, image sequences) may name other files.
const formats =
  'mov,mp4,matroska,webm,mp3,wav,w64,flac,ogg,aac,aiff,caf,asf,avi,flv,mpegts,mpeg,amr,ac3,eac3,au,ape,wv,tta,tak,gif';

/** Bytes `start` up to but not including `end` of a file. */
export interface FilePart {
  readonly start: number;
  readonly end: number;
}

/** Opens `path` as an untrusted recording: its content decides the format, and it can name no other file. */
export class MediaInput implements AsyncDisposable {
  readonly #format: FormatContext;
  readonly fileSize: number;
  #headerDurations: readonly (number | undefined)[] = [];
  #wholeDuration: number | undefined;

  private constructor(format: FormatContext, fileSize: number) {
    this.#format = format;
    this.fileSize = fileSize;
  }

  /**
   * @param field Request field to blame when the file cannot be opened.
   * @param range The part of the file to read as if it were all of it.
   */
  static async open(path: string, field: string, range?: FilePart): Promise<MediaInput> {
    const { size } = fileAt(path, field);
    const input = new MediaInput(new FormatContext(), size);
    try {
      using options = Dictionary.fromObject({ format_whitelist: formats, protocol_whitelist: 'file,subfile' });
      const part = range === undefined ? '' : `subfile,,start,${range.start},end,${range.end},,:`;
      const opened = await input.#format.openInput(`${part}file:${path}`, null, options);
      if (opened < 0) throw await unreadable(path, field);
      const { duration } = input.#format;
      input.#wholeDuration = duration > 0n ? Number(duration) / 1e6 : undefined;
      input.#headerDurations = input.#format.streams.map((stream) => input.#headerDuration(stream));
      if ((await input.#format.findStreamInfo()) < 0) throw await unreadable(path, field);
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

  /** Seconds of `stream` as the file's header has them, undefined where it has none: FFmpeg's guesses are left out. */
  headerDuration(stream: Stream): number | undefined {
    return this.#headerDurations[stream.index];
  }

  /** Seconds of the longest stream as the file's header has them, undefined where it has none. */
  get wholeDuration(): number | undefined {
    return this.#wholeDuration;
  }

  /** The stream a player would choose; a picture embedded in a sound file does not count as video. */
  bestStream(type: AVMediaType): Stream | undefined {
    const stream = this.#format.streams[this.#format.findBestStream(type)];
    return stream?.hasDisposition(AV_DISPOSITION_ATTACHED_PIC) ? undefined : stream;
  }

  /** The audio streams, those that the file marks as default first. */
  get soundTracks(): readonly Stream[] {
    const tracks = this.#format.streams.filter(
      ({ codecpar }) => codecpar.codecType === AVMEDIA_TYPE_AUDIO && codecpar.sampleRate > 0 && codecpar.channels > 0,
    );
    const later = (track: Stream): number => (track.hasDisposition(AV_DISPOSITION_DEFAULT) ? 0 : 1);
    return tracks.toSorted((one, other) => later(one) - later(other));
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

  /** Of use only before FFmpeg has looked further than the header: then it puts guesses in the same place. */
  #headerDuration({ duration, timeBase }: Stream): number | undefined {
    if (duration !== AV_NOPTS_VALUE) return (Number(duration) * timeBase.num) / timeBase.den;
    // The container's length is the stream's only where there is nothing else in it.
    return this.streamCount === 1 ? this.#wholeDuration : undefined;
  }
}

/** The regular, non-empty, readable file at `path` that is no web page or the like; else an input error says which it is. */
export function fileAt(path: string, field: string): Stats {
  const stats = statSync(path, { throwIfNoEntry: false });
  if (stats === undefined) throw new SoundstageError('input', `The ${field} file ${path} does not exist.`, { field });
  if (!stats.isFile()) throw new SoundstageError('input', `The ${field} path ${path} is not a file.`, { field });
  if (stats.size === 0) {
    throw new SoundstageError('input', `The ${field} file is empty (0 bytes): upload it again.`, { field });
  }
  const mistaken = mistakenContent(startOf(path, field));
  if (mistaken !== undefined) {
    const message = `The ${field} file cannot be used: it is ${mistaken}: give the recording or picture itself.`;
    throw new SoundstageError('input', message, { field });
  }
  return stats;
}

function startOf(path: string, field: string): Uint8Array {
  const file = openForReading(path, field);
  try {
    const bytes = Buffer.alloc(telltaleBytes);
    return bytes.subarray(0, readSync(file, bytes));
  } finally {
    closeSync(file);
  }
}

function openForReading(path: string, field: string): number {
  try {
    return openSync(path, 'r');
  } catch (cause) {
    const message = `The ${field} file ${path} may not be read: allow it, or choose another file.`;
    throw new SoundstageError('input', message, { field, cause });
  }
}
