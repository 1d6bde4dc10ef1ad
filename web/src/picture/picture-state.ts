import { signal } from '@preact/signals';
import { setValue, values } from '../form/form-state.ts';
import { fal, fileName, isOwnUrl, messageOf } from '../server/connection.ts';

export type PictureField = 'image_url' | 'end_image_url';

export interface Picture {
  readonly name: string;
  /** What the page shows it from. */
  readonly shownUrl: string;
  /** Pixels; absent where this browser cannot decode it. */
  readonly width?: number;
  readonly height?: number;
}

interface PictureActivity {
  readonly text: string;
  readonly failed: boolean;
}

export const pictures = signal<Readonly<Partial<Record<PictureField, Picture>>>>({});
export const pictureActivity = signal<Readonly<Partial<Record<PictureField, PictureActivity | undefined>>>>({});
const uploads: Partial<Record<PictureField, Promise<void>>> = {};

/** Shows a picture and sends it to the server. */
export async function choosePicture(field: PictureField, source: Blob, name: string): Promise<void> {
  removePicture(field);
  const shownUrl = URL.createObjectURL(source);
  const shown = { name, shownUrl, ...(await sizeOf(shownUrl)) };
  pictures.value = { ...pictures.value, [field]: shown };
  uploads[field] = send(field, source, shown);
  await uploads[field];
}

export function removePicture(field: PictureField): void {
  const shown = pictures.value[field];
  if (shown?.shownUrl.startsWith('blob:')) URL.revokeObjectURL(shown.shownUrl);
  const { [field]: _, ...others } = pictures.value;
  pictures.value = others;
  say(field, undefined);
  setValue(field, undefined);
}

/** Shows the picture that the form names, where it is a file of this server. */
export async function showNamedPicture(field: PictureField): Promise<void> {
  const url = values.value[field];
  const { [field]: _, ...others } = pictures.value;
  pictures.value = others;
  if (typeof url !== 'string' || !isOwnUrl(url)) return;
  pictures.value = { ...pictures.value, [field]: { name: fileName(url), shownUrl: url, ...(await sizeOf(url)) } };
}

/** Resolves when the chosen pictures are on the server. */
export async function settlePictures(): Promise<void> {
  await Promise.all(Object.values(uploads));
}

async function send(field: PictureField, source: Blob, shown: Picture): Promise<void> {
  say(field, { text: 'Sending the picture…', failed: false });
  try {
    const url = await fal.storage.upload(new File([source], shown.name, { type: source.type }));
    if (pictures.value[field] !== shown) return;
    setValue(field, url);
    say(field, undefined);
  } catch (error) {
    say(field, { text: `The picture could not be sent: ${messageOf(error)}`, failed: true });
  }
}

function say(field: PictureField, activity: PictureActivity | undefined): void {
  pictureActivity.value = { ...pictureActivity.value, [field]: activity };
}

function sizeOf(url: string): Promise<{ width?: number; height?: number }> {
  const { promise, resolve } = Promise.withResolvers<{ width?: number; height?: number }>();
  const image = new Image();
  image.onload = () => resolve({ width: image.naturalWidth, height: image.naturalHeight });
  image.onerror = () => resolve({});
  image.src = url;
  return promise;
}
