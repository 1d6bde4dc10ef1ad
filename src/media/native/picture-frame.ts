import type { AVColorSpace, AVPixelFormat } from 'node-av/constants';
import { AV_PIX_FMT_RGB24, AVCOL_RANGE_JPEG, AVCOL_RANGE_MPEG, AVCOL_SPC_RGB } from 'node-av/constants';
import { Frame, Option, SoftwareScaleContext } from 'node-av/lib';
import { check } from './ffmpeg-status.ts';

/** An empty picture with buffers. The caller frees it. */
function newPicture(width: number, height: number, format: AVPixelFormat): Frame {
  const frame = new Frame();
  frame.alloc();
  frame.width = width;
  frame.height = height;
  frame.format = format;
  check(frame.getBuffer(), 'allocating a picture');
  return frame;
}

/** A full-range RGB24 picture with a copy of `rgb`, `[height, width, 3]`. The caller frees it. */
export function rgbPicture(rgb: Uint8Array, width: number, height: number): Frame {
  const frame = newPicture(width, height, AV_PIX_FMT_RGB24);
  frame.colorSpace = AVCOL_SPC_RGB;
  frame.colorRange = AVCOL_RANGE_JPEG;
  check(frame.fromBuffer(Buffer.from(rgb.buffer, rgb.byteOffset, rgb.byteLength)), 'copying a picture');
  return frame;
}

/** Converts pictures between pixel formats of one size, by the color properties that the two frames carry. */
export class PictureConverter implements Disposable {
  readonly #scaler = new SoftwareScaleContext();

  /** @param flags libswscale flags, e.g. `bicubic+accurate_rnd`. */
  constructor(flags: string) {
    this.#scaler.allocContext();
    check(Option.set(this.#scaler.getNative(), 'sws_flags', flags), 'choosing the scaler');
  }

  async toYuv(picture: Frame, format: AVPixelFormat, colorSpace: AVColorSpace): Promise<Frame> {
    const yuv = newPicture(picture.width, picture.height, format);
    yuv.colorSpace = colorSpace;
    yuv.colorRange = AVCOL_RANGE_MPEG;
    return this.#convert(picture, yuv);
  }

  async toRgb(picture: Frame, format: AVPixelFormat = AV_PIX_FMT_RGB24): Promise<Frame> {
    const rgb = newPicture(picture.width, picture.height, format);
    rgb.colorSpace = AVCOL_SPC_RGB;
    rgb.colorRange = AVCOL_RANGE_JPEG;
    return this.#convert(picture, rgb);
  }

  [Symbol.dispose](): void {
    this.#scaler.freeContext();
  }

  async #convert(from: Frame, to: Frame): Promise<Frame> {
    try {
      check(await this.#scaler.scaleFrame(to, from), 'converting colors');
      return to;
    } catch (error) {
      to.free();
      throw error;
    }
  }
}
