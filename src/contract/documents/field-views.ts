import { type JsonSchema, resolved, type SchemaSet } from '../json-schema.ts';
import { alternatives, orderedFields } from './llms-fields.ts';

/** A field as people read about it. */
export interface FieldView {
  readonly name: string;
  readonly description: string;
  readonly isRequired: boolean;
  /** In words: `integer`, `list of objects`, `object or text`. */
  readonly type: string;
  /** What a number, a length or a count may be, in words; absent where nothing bounds it. */
  readonly range?: string | undefined;
  readonly choices: readonly string[];
  /** As JSON; absent where there is none. */
  readonly default?: string | undefined;
  /** As JSON. */
  readonly examples: readonly string[];
  /** Of the object that it is, or that it lists. */
  readonly fields: readonly FieldView[];
}

/** The fields of an input or output, in published order. */
export function fieldViews({ root, named }: SchemaSet<JsonSchema>): readonly FieldView[] {
  const required = new Set(root.required);
  return orderedFields(root).map(([name, field]) => view(name, field, { isRequired: required.has(name), named }));
}

interface Context {
  readonly isRequired: boolean;
  readonly named: SchemaSet<JsonSchema>['named'];
}

function view(name: string, given: JsonSchema, { isRequired, named }: Context): FieldView {
  const field = { ...resolved(given, named), ...given };
  const shapes = alternatives(field).map((shape) => resolved(shape, named));
  const items = shapes.flatMap((shape) => (shape.items === undefined ? [] : [resolved(shape.items, named)]));
  const object = [...shapes, ...items].find(({ properties }) => properties !== undefined);
  return {
    name,
    isRequired,
    description: field.description ?? '',
    type: [...new Set(shapes.map((shape) => typeName(shape, named)))].join(' or '),
    range: shapes.map(rangeOf).find((range) => range !== undefined),
    choices: shapes.flatMap((shape) => shape.enum ?? []),
    default: field.default === undefined ? undefined : JSON.stringify(field.default),
    examples: (field.examples ?? []).map((example) => JSON.stringify(example)),
    fields: object === undefined ? [] : fieldViews({ root: object, named }),
  };
}

function typeName(shape: JsonSchema, named: Context['named']): string {
  if (shape.type === 'array') return `list of ${typeName(resolved(shape.items ?? {}, named), named)}s`;
  return shape.type === 'string' ? 'text' : (shape.type ?? 'any');
}

function rangeOf({ minimum, maximum, minLength, maxLength, maxItems }: JsonSchema): string | undefined {
  if (minimum !== undefined && maximum !== undefined) return `${minimum} to ${maximum}`;
  if (maxLength !== undefined) return `${minLength ?? 0} to ${maxLength} characters`;
  return maxItems === undefined ? undefined : `at most ${maxItems} items`;
}
