/** Rounds up to an even number. */
export function roundUpToEven(side: number): number {
  return side + (side % 2);
}

/** Repeats the last column and row of `rgb`, `[height, width, 3]`, where needed to make both sides even. */
export function padToEven(rgb: Uint8Array, width: number, height: number): Uint8Array {
  const paddedWidth = roundUpToEven(width);
  const paddedHeight = roundUpToEven(height);
  if (paddedWidth === width && paddedHeight === height) return rgb;
  const padded = new Uint8Array(paddedWidth * paddedHeight * 3);
  const rowBytes = paddedWidth * 3;
  for (let y = 0; y < paddedHeight; y++) {
    const source = Math.min(y, height - 1) * width * 3;
    padded.set(rgb.subarray(source, source + width * 3), y * rowBytes);
    if (paddedWidth > width) padded.copyWithin((y + 1) * rowBytes - 3, (y + 1) * rowBytes - 6, (y + 1) * rowBytes - 3);
  }
  return padded;
}
