/** An 8-bit RGB picture, rows in order. */
export interface RgbImage {
  /** `[height, width, 3]` */
  readonly rgb: Uint8Array;
  readonly width: number;
  readonly height: number;
}
