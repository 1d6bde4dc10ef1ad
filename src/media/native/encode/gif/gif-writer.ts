import { AV_PIX_FMT_BGR0 } from 'node-av/constants';
import { fpsRational } from '../../../fps-rational.ts';
import type { VideoEncoderSettings } from '../../../video-settings.ts';
import { GifClock } from '../../gif-clock.ts';
import { PictureConverter, rgbPicture } from '../../picture-frame.ts';
import type { EncodeFiles } from '../encode-methods.ts';
import type { FrameWriter } from '../frame-writer.ts';
import { EachFramePainter, type GifPainter, WholeClipPainter } from './gif-painter.ts';
import { gifDither, gifQuality } from './gif-settings.ts';

/** Writes GIF files: fewer frames a second than the clip where the quality says so, in the same time. */
export class GifWriter implements FrameWriter {
  readonly #width: number;
  readonly #height: number;
  readonly #clock: GifClock;
  readonly #painter: GifPainter;
  readonly #converter: PictureConverter;
  #frames = 0;

  private constructor(settings: VideoEncoderSettings, clock: GifClock, painter: GifPainter) {
    this.#width = settings.width;
    this.#height = settings.height;
    this.#clock = clock;
    this.#painter = painter;
    this.#converter = new PictureConverter('neighbor');
  }

  static async open(files: EncodeFiles, settings: VideoEncoderSettings): Promise<GifWriter> {
    const { colours, maxFps, paletteEachFrame } = gifQuality(settings.quality);
    const { width, height } = settings;
    const look = { width, height, colours, dither: gifDither(settings.writeMode) };
    const painter = paletteEachFrame
      ? await EachFramePainter.open(files, look)
      : await WholeClipPainter.open(files, look);
    return new GifWriter(settings, new GifClock(fpsRational(settings.fps), maxFps), painter);
  }

  async write(rgb: Uint8Array): Promise<void> {
    const time = this.#clock.showTime(this.#frames++);
    if (time === undefined) return;
    using picture = rgbPicture(rgb, this.#width, this.#height);
    using frame = await this.#converter.toRgb(picture, AV_PIX_FMT_BGR0);
    frame.pts = BigInt(time);
    await this.#painter.add(frame);
  }

  async finish(): Promise<void> {
    await this.#painter.finish(this.#clock.length(this.#frames));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#converter[Symbol.dispose]();
    await this.#painter[Symbol.asyncDispose]();
  }
}
