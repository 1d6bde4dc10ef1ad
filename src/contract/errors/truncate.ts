const maxCharacters = 500;
const maxValues = 50;
const maxDepth = 4;
const tooBig = Symbol('too big');

/**
 * A value as it may be repeated in an error: long texts are cut, text has neither NUL characters nor unpaired
 * surrogates, so that every database takes it. Undefined for what is large, deep or no JSON.
 */
export function truncate(value: unknown): unknown {
  const counter = { left: maxValues };
  const copied = copy(value, 0, counter);
  return copied === tooBig ? undefined : copied;
}

/** Text cut to a length that errors and logs can bear. */
export function truncateText(value: string, max = maxCharacters): string {
  const cut = value.length > max ? `${value.slice(0, max)}…` : value;
  return cut.toWellFormed().replaceAll('\0', '\uFFFD');
}

function copy(value: unknown, depth: number, counter: { left: number }): unknown {
  if (--counter.left < 0 || depth > maxDepth) return tooBig;
  switch (typeof value) {
    case 'string':
      return truncateText(value);
    case 'number':
      return Number.isFinite(value) ? value : String(value);
    case 'boolean':
      return value;
    case 'object':
      return value === null ? null : copyObject(value, depth, counter);
    default:
      return tooBig;
  }
}

function copyObject(value: object, depth: number, counter: { left: number }): unknown {
  if (Array.isArray(value) && value.length > counter.left) return tooBig;
  const given: readonly [string, unknown][] = Object.entries(value);
  if (given.length > counter.left) return tooBig;
  const entries = given.map(([key, item]): [string, unknown] => [truncateText(key), copy(item, depth + 1, counter)]);
  if (entries.some(([, item]) => item === tooBig)) return tooBig;
  return Array.isArray(value) ? entries.map(([, item]) => item) : Object.fromEntries(entries);
}
