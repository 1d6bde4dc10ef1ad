const mediaType = /^[a-z0-9!#$&^_.+-]{1,80}\/[a-z0-9!#$&^_.+-]{1,80}$/i;
const parameters = /^[\x20-\x7e]{0,100}$/;
const fallback = 'application/octet-stream';

/** The content type to keep for what an uploader calls `given`; unusable ones become `application/octet-stream`. */
export function safeContentType(given: string | null | undefined): string {
  const [type = '', ...rest] = (given ?? '').trim().split(';');
  if (!mediaType.test(type.trim())) return fallback;
  const tail = rest.join(';').trim();
  return tail === '' || !parameters.test(tail) ? type.trim().toLowerCase() : `${type.trim().toLowerCase()}; ${tail}`;
}

const shown = /^(?:image\/(?!svg)|audio\/|video\/|text\/plain|application\/json)/;

/** Whether a browser shows such a file without running anything in it; others are offered for saving. */
export function isShownInline(contentType: string): boolean {
  return shown.test(contentType) && !contentType.split(';')[0]?.includes('xml');
}
