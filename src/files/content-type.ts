const mediaType = /^[a-z0-9!#$&^_.+-]{1,80}\/[a-z0-9!#$&^_.+-]{1,80}$/i;
const charset = /^charset=[a-z0-9!#$&^_.+:-]{1,40}$/i;
/** Of several parts, each with a type of its own. */
const composite = /^(?:multipart|message)\//;
const fallback = 'application/octet-stream';

/**
 * The content type to keep for what an uploader calls `given`; unusable ones become `application/octet-stream`. Of its
 * parameters only a plain charset is kept: to browsers a comma begins another type, and the last one counts.
 */
export function safeContentType(given: string | null | undefined): string {
  const [name = '', ...parameters] = (given ?? '').split(';').map((part) => part.trim());
  const type = name.toLowerCase();
  if (!mediaType.test(type) || composite.test(type)) return fallback;
  const [only, ...others] = parameters;
  return only !== undefined && others.length === 0 && charset.test(only) ? `${type}; ${only}` : type;
}

const shown = /^(?:(?:image|audio|video)\/(?!.*xml)|text\/plain$)/;

/** Whether a browser shows such a file without running anything in it; others are offered for saving. */
export function isShownInline(contentType: string): boolean {
  return shown.test(contentType.split(';', 1)[0] ?? '');
}
