import { computed } from '@preact/signals';
import { type VideoSizePreset, videoSizePresets } from '../../../src/contract/input/presets.ts';
import { cost, megapixels } from '../../../src/contract/price.ts';
import { makesFilms } from '../film/film.ts';
import { Picture } from '../picture/picture.ts';
import { endpoint, fieldSchema } from '../server/endpoints.ts';
import { Sound } from '../sound/sound.ts';
import { currentValue, files } from './form-state.ts';

export interface Size {
  readonly width: number;
  readonly height: number;
}

const dollarFormat = new Intl.NumberFormat('en-US', {
  style: 'currency',
  currency: 'USD',
  minimumFractionDigits: 3,
  maximumFractionDigits: 5,
});

/** Of the clip; undefined where only the server can tell. */
export const clipSize = computed<Size | undefined>(() => {
  const size = currentValue('video_size');
  if (size === 'auto') return sizeOfPicture();
  if (typeof size === 'string') return videoSizePresets[size as VideoSizePreset];
  return isSize(size) ? size : undefined;
});

/** Frames of the clip; undefined where only the server can tell. */
export const clipFrames = computed<number | undefined>(() => {
  if (currentValue('match_audio_length') !== true && !makesFilms.value) return Number(currentValue('num_frames'));
  const sound = files.audio_url.value;
  const trim = sound instanceof Sound ? sound.trim.value : undefined;
  if (trim === undefined) return undefined;
  const frames = Math.round((trim.end - trim.start) * Number(currentValue('fps')));
  if (makesFilms.value) return frames;
  const { minimum = 9, maximum = 481 } = fieldSchema('num_frames');
  return Math.min(maximum, Math.max(minimum, frames));
});

/** US dollars, by the price of the hosted endpoint; undefined where size or length are not known. */
export const estimatedCost = computed<number | undefined>(() => {
  const [size, frames, price] = [clipSize.value, clipFrames.value, endpoint.value?.price];
  if (size === undefined || frames === undefined || price === undefined || !isWhole(size.width, size.height, frames))
    return undefined;
  return cost(megapixels(size.width, size.height, frames), price);
});

export function isSize(value: unknown): value is Size {
  return typeof value === 'object' && value !== null && 'width' in value && 'height' in value;
}

export function dollars(amount: number): string {
  return dollarFormat.format(amount);
}

/** As the server does it: the picture's own size, scaled into the limits. */
function sizeOfPicture(): Size | undefined {
  const picture = files.image_url.value;
  if (picture === undefined) return videoSizePresets.landscape_4_3;
  const content = picture instanceof Picture ? picture.content.value : undefined;
  if (content?.state !== 'readable') return undefined;
  const { minimum: least = 64, maximum: most = 2048 } = sideLimits();
  const { width, height } = content;
  const scale = Math.max(Math.min(1, most / Math.max(width, height)), least / Math.min(width, height));
  const side = (length: number): number => Math.min(most, Math.max(least, Math.round(length * scale)));
  return { width: side(width), height: side(height) };
}

export function sideLimits(): { readonly minimum?: number; readonly maximum?: number } {
  const custom = fieldSchema('video_size').anyOf?.find(({ properties }) => properties !== undefined);
  return custom?.properties?.width ?? {};
}

function isWhole(...numbers: readonly number[]): boolean {
  return numbers.every((number) => Number.isSafeInteger(number) && number > 0);
}
