import { join } from 'node:path';
import { floatTensor, type HostTensor } from '../../../graph/runtime/host-tensor.ts';
import { SoundstageError } from '../../../shared/errors.ts';
import { parseConfig } from '../../config.ts';
import type { RgbImage } from '../../rgb-image.ts';
import { readJsonIfThere } from '../json-file.ts';
import { resizeBilinear } from './bilinear-resize.ts';
import type { VisionTower } from './vision-tower.ts';

/**
 * A picture as the tower takes it: squeezed into its square and normalized as `preprocessor_config.json` says, or as transformers
 * does by default. Returns `[1, 3, S, S]`.
 *
 * @throws SoundstageError `weights` if the folder asks for another preparation
 */
export async function picturePixels({ folder, config }: VisionTower, image: RgbImage): Promise<HostTensor<'float32'>> {
  const side = config.image_size;
  const path = join(folder.path, 'preprocessor_config.json');
  const settings = parseConfig('picture', (await readJsonIfThere(path)) ?? {}, path);
  const { size = { width: side, height: side }, rescale_factor: factor, image_mean, image_std } = settings;
  if (size.width !== side || size.height !== side) {
    const message = `${path} asks for pictures of ${size.width}×${size.height}, but the network takes ${side}×${side}`;
    throw new SoundstageError('weights', message);
  }
  const { rgb } = resizeBilinear(image, side, side);
  const pixels = new Float32Array(rgb.length);
  for (const channel of [0, 1, 2] as const) {
    const [mean, deviation] = [image_mean[channel], image_std[channel]];
    for (let at = 0; at < side * side; at++) {
      pixels[channel * side * side + at] = ((rgb[at * 3 + channel] as number) * factor - mean) / deviation;
    }
  }
  return floatTensor(pixels, [1, 3, side, side]);
}
