import { writeFile } from 'node:fs/promises';
import { AV_CODEC_ID_FFV1 } from 'node-av/constants';
import { avRescaleQ, Codec, CodecContext, FormatContext, Frame, Packet, type Stream } from 'node-av/lib';
import { gifTimeBase } from '../../../media-info.ts';
import { check, isDrained } from '../../ffmpeg-status.ts';
import { PictureFilter } from '../../picture-filter.ts';
import type { EncodeFiles } from '../encode-methods.ts';
import { openFfv1Encoder } from '../ffv1-encoder.ts';
import { Muxer } from '../muxer.ts';
import { GifFile } from './gif-file.ts';

/** Turns full-color frames into the frames of a GIF. */
export interface GifPainter extends AsyncDisposable {
  /** @param frame bgr0, its time in hundredths of a second. */
  add(frame: Frame): Promise<void>;
  /** @param end When the last frame ends, in hundredths of a second. */
  finish(end: number): Promise<void>;
}

export interface GifLook {
  readonly width: number;
  readonly height: number;
  readonly colors: number;
  /** Options of FFmpeg's `paletteuse`. */
  readonly dither: string;
}

/** Gives every frame a palette of its own, and writes it at once. */
export class EachFramePainter implements GifPainter {
  readonly #filter: PictureFilter;
  readonly #file: GifFile;

  private constructor(filter: PictureFilter, file: GifFile) {
    this.#filter = filter;
    this.#file = file;
  }

  static async open({ output }: EncodeFiles, look: GifLook): Promise<EachFramePainter> {
    const filter = await PictureFilter.open(
      `buffer@frames=${source(look)},split[seen][painted];` +
        `[seen]palettegen=max_colors=${look.colors}:stats_mode=single[palette];` +
        `[painted][palette]paletteuse=new=1:${look.dither},buffersink`,
    );
    try {
      return new EachFramePainter(filter, await GifFile.open(output, look.width, look.height));
    } catch (error) {
      filter[Symbol.dispose]();
      throw error;
    }
  }

  async add(frame: Frame): Promise<void> {
    await this.#filter.push('frames', frame);
    for await (const painted of this.#filter.pull()) await this.#file.write(painted);
  }

  async finish(end: number): Promise<void> {
    await this.#filter.push('frames', null);
    for await (const painted of this.#filter.pull()) await this.#file.write(painted);
    await this.#file.finish(end);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#filter[Symbol.dispose]();
    await this.#file[Symbol.asyncDispose]();
  }
}

/** Chooses one palette for all frames: counts colors as they come, stores the frames, and paints them at the end. */
export class WholeClipPainter implements GifPainter {
  readonly #files: EncodeFiles;
  readonly #look: GifLook;
  readonly #palette: PictureFilter;
  readonly #spool: FrameSpool;

  private constructor(files: EncodeFiles, look: GifLook, palette: PictureFilter, spool: FrameSpool) {
    this.#files = files;
    this.#look = look;
    this.#palette = palette;
    this.#spool = spool;
  }

  static async open(files: EncodeFiles, look: GifLook): Promise<WholeClipPainter> {
    const palette = await PictureFilter.open(
      `buffer@frames=${source(look)},palettegen=max_colors=${look.colors}:stats_mode=full,buffersink`,
    );
    try {
      return new WholeClipPainter(files, look, palette, await FrameSpool.open(files.spool, look.width, look.height));
    } catch (error) {
      palette[Symbol.dispose]();
      throw error;
    }
  }

  async add(frame: Frame): Promise<void> {
    await this.#spool.write(frame);
    await this.#palette.push('frames', frame);
  }

  async finish(end: number): Promise<void> {
    const { width, height, dither } = this.#look;
    using painter = await PictureFilter.open(
      `buffer@frames=${source(this.#look)}[frames];` +
        `buffer@palette=${source({ width: 16, height: 16 })}[palette];[frames][palette]paletteuse=${dither},buffersink`,
    );
    await this.#palette.push('frames', null);
    for await (const palette of this.#palette.pull()) await painter.push('palette', palette);
    await painter.push('palette', null);
    await using file = await GifFile.open(this.#files.output, width, height);
    for await (const frame of this.#spool.frames()) {
      await painter.push('frames', frame);
      for await (const painted of painter.pull()) await file.write(painted);
    }
    await painter.push('frames', null);
    for await (const painted of painter.pull()) await file.write(painted);
    await file.finish(end);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#palette[Symbol.dispose]();
    await this.#spool[Symbol.asyncDispose]();
  }
}

function source({ width, height }: { readonly width: number; readonly height: number }, format = 'bgr0'): string {
  return `video_size=${width}x${height}:pix_fmt=${format}:time_base=1/100:pixel_aspect=1/1:colorspace=gbr:range=pc`;
}

/**
 * Keeps frames on disk, losslessly compressed (FFV1), for a second pass: a palette is chosen from the whole clip before
 * the first frame can be written, and a clip may be larger than memory.
 */
class FrameSpool implements AsyncDisposable {
  readonly #path: string;
  readonly #resources: AsyncDisposableStack;
  readonly #encoder: CodecContext;
  readonly #muxer: Muxer;
  readonly #stream: Stream;

  private constructor(
    path: string,
    resources: AsyncDisposableStack,
    encoder: CodecContext,
    muxer: Muxer,
    stream: Stream,
  ) {
    this.#path = path;
    this.#resources = resources;
    this.#encoder = encoder;
    this.#muxer = muxer;
    this.#stream = stream;
  }

  static async open(path: string, width: number, height: number): Promise<FrameSpool> {
    await using resources = new AsyncDisposableStack();
    // The library would make it readable for everybody who may read the clip to come, or more.
    await writeFile(path, '', { mode: 0o600 });
    const muxer = resources.use(new Muxer(path, 'nut'));
    const encoder = resources.use(await openFfv1Encoder({ width, height, timeBase: gifTimeBase }));
    const stream = muxer.addEncodedStream(encoder);
    await muxer.start({});
    return new FrameSpool(path, resources.move(), encoder, muxer, stream);
  }

  /** @param frame bgr0 */
  async write(frame: Frame): Promise<void> {
    check(await this.#encoder.sendFrame(frame), 'storing a frame');
    await this.#writePackets();
  }

  /** Reads all frames back, once writing is over. Each is valid until the next one is asked for. */
  async *frames(): AsyncGenerator<Frame, void, undefined> {
    check(await this.#encoder.sendFrame(null), 'storing the frames');
    await this.#writePackets();
    await this.#muxer.finish();
    await using input = new FormatContext();
    check(await input.openInput(`file:${this.#path}`), 'reading the stored frames');
    using decoder = await openFfv1Decoder(input);
    using packet = new Packet();
    packet.alloc();
    using frame = new Frame();
    frame.alloc();
    let more = true;
    while (more) {
      more = (await input.readFrame(packet)) >= 0;
      check(await decoder.sendPacket(more ? packet : null), 'reading the stored frames');
      packet.unref();
      while ((await decoder.receiveFrame(frame)) >= 0) {
        frame.pts = avRescaleQ(frame.pts, decoder.pktTimebase, gifTimeBase);
        yield frame;
      }
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#resources.disposeAsync();
  }

  async #writePackets(): Promise<void> {
    using packet = new Packet();
    packet.alloc();
    while (true) {
      const status = await this.#encoder.receivePacket(packet);
      if (isDrained(status)) return;
      check(status, 'storing a frame');
      await this.#muxer.write(packet, this.#stream, gifTimeBase);
    }
  }
}

async function openFfv1Decoder(input: FormatContext): Promise<CodecContext> {
  const stream = input.streams[0];
  if (stream === undefined) throw new Error('no frames were stored');
  const codec = Codec.findDecoder(AV_CODEC_ID_FFV1);
  const decoder = new CodecContext();
  try {
    decoder.allocContext3(codec);
    check(decoder.parametersToContext(stream.codecpar), 'reading the stored frames');
    decoder.pktTimebase = stream.timeBase;
    check(await decoder.open2(codec, null), 'opening the FFV1 decoder');
    return decoder;
  } catch (error) {
    decoder.freeContext();
    throw error;
  }
}
