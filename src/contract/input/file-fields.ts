type Replace = (address: string, field: string) => string;

/** A request, valid or not, with what its fields say that name files replaced. */
export function replaceAddresses(input: unknown, replace: Replace): unknown {
  const replaced = withReplaced(input, ['audio_url', 'image_url', 'end_image_url'], '', replace);
  if (!isObject(replaced) || !Array.isArray(replaced.loras)) return replaced;
  const loras = replaced.loras.map((lora, index) => withReplaced(lora, ['path'], `loras.${index}.`, replace));
  return { ...replaced, loras };
}

function withReplaced(value: unknown, names: readonly string[], prefix: string, replace: Replace): unknown {
  if (!isObject(value)) return value;
  const given = names.map((name) => [name, Object.hasOwn(value, name) ? value[name] : undefined] as const);
  const texts = given.filter((entry): entry is readonly [string, string] => typeof entry[1] === 'string');
  return { ...value, ...Object.fromEntries(texts.map(([name, text]) => [name, replace(text, `${prefix}${name}`)])) };
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
