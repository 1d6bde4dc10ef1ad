import { type JsonSchema, type JsonSchemas, resolved } from '../json-schema.ts';
import { alternatives, orderedFields } from './llms-fields.ts';

export type Example = Readonly<Record<string, unknown>>;

/** An example of an object: of its required fields, or of all that have something to show. */
export function exampleOf({ root, named }: JsonSchemas, fields: 'required' | 'all'): Example {
  const required = new Set(root.required);
  const shown = orderedFields(root).flatMap(([name, field]): [string, unknown][] => {
    if (fields === 'required' && !required.has(name)) return [];
    const value = exampleValue(field, required.has(name), named);
    return value === undefined ? [] : [[name, value]];
  });
  return Object.fromEntries(shown);
}

function exampleValue(field: JsonSchema, required: boolean, named: JsonSchemas['named']): unknown {
  if (field.examples?.length) return field.examples[0];
  const { default: value } = field;
  if (value !== undefined && value !== null && value !== false && value !== 0) return value;
  return required ? synthesized(field, named) : undefined;
}

/** Undefined where nothing sensible can be made up. */
function synthesized(field: JsonSchema, named: JsonSchemas['named']): unknown {
  const shape = resolved(alternatives(field)[0] ?? field, named);
  if (shape.type === 'string') return '';
  if (shape.type === 'array') {
    const item = shape.items && synthesized(shape.items, named);
    return item === undefined ? undefined : [item];
  }
  if (shape.properties === undefined) return undefined;
  const example = exampleOf({ root: shape, named }, 'all');
  return Object.keys(example).length === 0 ? undefined : example;
}
