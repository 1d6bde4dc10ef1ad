import { AV_PIX_FMT_BGR0 } from 'node-av/constants';
import { fpsRational } from '../../../fps-rational.ts';
import { gifTimeBase, type Rational } from '../../../media-info.ts';
import type { VideoEncoderSettings, VideoQuality, VideoWriteMode } from '../../../video-settings.ts';
import { PictureConverter, rgbPicture } from '../../picture-frame.ts';
import type { EncodeFiles, FrameWriter } from '../encode-methods.ts';
import { EachFramePainter, type GifPainter, WholeClipPainter } from './gif-palette.ts';

interface GifQuality {
  readonly colors: number;
  readonly maxFps: number;
  /** A palette for every frame instead of one for the clip. */
  readonly paletteEachFrame: boolean;
}

const qualities: Record<VideoQuality, GifQuality> = {
  low: { colors: 64, maxFps: 12, paletteEachFrame: false },
  medium: { colors: 128, maxFps: 15, paletteEachFrame: false },
  high: { colors: 256, maxFps: 25, paletteEachFrame: false },
  // Browsers slow down GIFs that ask for more than 50 frames a second.
  maximum: { colors: 256, maxFps: 50, paletteEachFrame: true },
};

/** Options of FFmpeg's `paletteuse`: the fainter the dither pattern, the smaller the file. All take the same time. */
const dithers: Record<VideoWriteMode, string> = {
  fast: 'dither=bayer:bayer_scale=3',
  balanced: 'dither=bayer:bayer_scale=5',
  small: 'dither=none:diff_mode=rectangle',
};

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
    const { colors, maxFps, paletteEachFrame } = qualities[settings.quality];
    const { width, height } = settings;
    const look = { width, height, colors, dither: dithers[settings.writeMode] };
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

/** Picks the frames of a clip that a GIF of a lower rate shows, and spaces them evenly. */
class GifClock {
  readonly #fps: Rational;
  readonly #gifFps: number;

  constructor(fps: Rational, maxFps: number) {
    this.#fps = fps;
    this.#gifFps = Math.min(fps.num / fps.den, maxFps);
  }

  /** When frame `index` is shown, in hundredths of a second; undefined when it is left out. */
  showTime(index: number): number | undefined {
    const slot = this.#slot(index);
    if (index > 0 && slot === this.#slot(index - 1)) return undefined;
    return Math.round((slot * gifTimeBase.den) / this.#gifFps);
  }

  /** How long a clip of so many frames lasts, in hundredths of a second. */
  length(frames: number): number {
    return Math.round((frames * this.#fps.den * gifTimeBase.den) / this.#fps.num);
  }

  #slot(index: number): number {
    // At the clip's own rate every frame has a slot; rounding must not lose one.
    const slot = (index * this.#fps.den * this.#gifFps) / this.#fps.num;
    return Math.floor(slot + 1e-6);
  }
}
