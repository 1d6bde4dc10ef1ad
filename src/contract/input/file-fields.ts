type Replace = (address: string, field: string) => string;

/**
 * A request, valid or not, with what its fields say that name files replaced.
 *
 * @param fields as an endpoint has them, e.g. `loras.*.path`
 * @param replace is told the address and its field, e.g. `loras.0.path`
 */
export function replaceAddresses(input: unknown, fields: readonly string[], replace: Replace): unknown {
  return fields.reduce((replaced, field) => replaceAt(replaced, field.split('.'), [], replace), input);
}

function replaceAt(
  value: unknown,
  [key, ...rest]: readonly string[],
  path: readonly string[],
  replace: Replace,
): unknown {
  if (key === undefined) return typeof value === 'string' ? replace(value, path.join('.')) : value;
  if (key === '*') {
    return Array.isArray(value)
      ? value.map((item, index) => replaceAt(item, rest, [...path, String(index)], replace))
      : value;
  }
  if (!isObject(value) || !Object.hasOwn(value, key)) return value;
  return { ...value, [key]: replaceAt(value[key], rest, [...path, key], replace) };
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
