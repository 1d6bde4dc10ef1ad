const replacementCharacter = '\uFFFD';
/** Deeper values than any valid input has; the database refuses to parse what is nested without end. */
const maxDepth = 32;

/** Text as PostgreSQL can keep it: it has no NUL character and no half of a surrogate pair. */
export function storedText(text: string): string {
  const whole = text.isWellFormed() ? text : text.toWellFormed();
  return whole.includes('\0') ? whole.replaceAll('\0', replacementCharacter) : whole;
}

/** JSON as PostgreSQL can keep it: text as in `storedText`, and nothing nested without end. */
export function storedJson(value: unknown): string {
  return JSON.stringify(storable(value, 0)) ?? 'null';
}

function storable(value: unknown, depth: number): unknown {
  if (typeof value === 'string') return storedText(value);
  if (typeof value !== 'object' || value === null) return value;
  if (depth >= maxDepth) return replacementCharacter;
  if (Array.isArray(value)) return value.map((item) => storable(item, depth + 1));
  if (value instanceof Date) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [storedText(key), storable(item, depth + 1)]));
}
