import { type JsonSchema, type JsonSchemas, resolved } from '../json-schema.ts';

type Named = JsonSchemas['named'];

/** The fields of an object, in the order in which they are shown. */
export function orderedFields(schema: JsonSchema): readonly (readonly [name: string, field: JsonSchema])[] {
  const properties = schema.properties ?? {};
  const order = schema['x-fal-order-properties'] ?? Object.keys(properties);
  return order.flatMap((name): [string, JsonSchema][] => {
    const field = properties[name];
    return field === undefined ? [] : [[name, field]];
  });
}

/** The blocks that describe an object's fields, each ending with an empty line. */
export function fieldBlocks({ root, named }: JsonSchemas): string {
  const required = new Set(root.required);
  return orderedFields(root)
    .map(([name, field]) => `${fieldBlock(name, field, { required: required.has(name), named })}\n`)
    .join('');
}

/** What a value may be, null aside. */
export function alternatives(schema: JsonSchema): readonly JsonSchema[] {
  return schema.anyOf?.filter(({ type }) => type !== 'null') ?? [schema];
}

interface FieldContext {
  readonly required: boolean;
  readonly named: Named;
}

function fieldBlock(name: string, field: JsonSchema, { required, named }: FieldContext): string {
  const description = (field.description ?? '').replaceAll('\n', '\n  ') + defaultSentence(field);
  const head = `- **\`${name}\`** (\`${typeName(field, named)}\`, _${required ? 'required' : 'optional'}_)`;
  return [
    description === '' ? head : `${head}:\n  ${description}`,
    ...(field.default === undefined ? [] : [`  - Default: \`${JSON.stringify(field.default)}\``]),
    ...choices(field, named),
    ...range(field),
    ...(field.examples?.length
      ? [`  - Examples: ${field.examples.map((each) => JSON.stringify(each)).join(', ')}`]
      : []),
    '',
  ].join('\n');
}

/** Text that a program would take for false is left out; an empty text is shown with its quotes, so it counts. */
function defaultSentence({ type, default: value }: JsonSchema): string {
  if (value === undefined || value === null || value === false || value === 0) return '';
  const shown = typeof value === 'string' && type !== 'string' ? value : JSON.stringify(value);
  return shown === '' ? '' : ` Default value: \`${shown}\``;
}

function choices(field: JsonSchema, named: Named): readonly string[] {
  const shapes = alternatives(field);
  const [only] = shapes;
  if (shapes.length > 1) return [`  - One of: ${shapes.map((shape) => innerTypeName(shape, named)).join(' | ')}`];
  if (only?.enum !== undefined) return [`  - Options: ${only.enum.map((option) => `\`"${option}"\``).join(', ')}`];
  return only?.items === undefined ? [] : [`  - Array of ${innerTypeName(only.items, named)}`];
}

function range(field: JsonSchema): readonly string[] {
  const { minimum, maximum } = alternatives(field)[0] ?? field;
  return minimum === undefined || maximum === undefined ? [] : [`  - Range: \`${minimum}\` to \`${maximum}\``];
}

function typeName(field: JsonSchema, named: Named): string {
  if (field.enum !== undefined) return `${(field.title ?? '').replaceAll(' ', '')}Enum`;
  return alternatives(field)
    .map((shape) => innerTypeName(shape, named))
    .join(' | ');
}

/** Inside a choice or a list nothing but a reference has a title. */
function innerTypeName(schema: JsonSchema, named: Named): string {
  if (schema.$ref !== undefined) return resolved(schema, named).title ?? 'object';
  if (schema.enum !== undefined) return 'Enum';
  if (schema.anyOf !== undefined) return typeName(schema, named);
  if (schema.type === 'array') return `list<${innerTypeName(schema.items ?? {}, named)}>`;
  return schema.type === 'number' ? 'float' : (schema.type ?? 'any');
}
