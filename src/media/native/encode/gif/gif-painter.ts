import type { Frame } from 'node-av/lib';
import { PictureFilter } from '../../picture-filter.ts';
import type { EncodeFiles } from '../encode-methods.ts';
import { FrameSpool } from './frame-spool.ts';
import { GifFile } from './gif-file.ts';

/** Turns full-colour frames into the frames of a GIF. */
export interface GifPainter extends AsyncDisposable {
  /** @param frame bgr0, its time in hundredths of a second. */
  add(frame: Frame): Promise<void>;
  /** @param end When the last frame ends, in hundredths of a second. */
  finish(end: number): Promise<void>;
}

export interface GifLook {
  readonly width: number;
  readonly height: number;
  readonly colours: number;
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
        `[seen]palettegen=max_colors=${look.colours}:stats_mode=single[palette];` +
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

/** Chooses one palette for all frames: counts colours as they come, stores the frames, and paints them at the end. */
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
      `buffer@frames=${source(look)},palettegen=max_colors=${look.colours}:stats_mode=full,buffersink`,
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
