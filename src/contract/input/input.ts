import { SoundstageError } from '../../shared/errors.ts';
import { valueAt } from '../errors/problem.ts';
import { resolved, type ServedSchema, servedInput } from '../json-schema.ts';
import type { Input } from './input-schema.ts';
import { validateInput } from './validate-input.ts';

export { type Input, type InputField, inputSchema } from './input-schema.ts';
export { validateInput } from './validate-input.ts';

/**
 * Validates a request for a caller who reads one sentence.
 *
 * @throws SoundstageError `input` naming the first offending field and what is accepted
 */
export function parseInput(value: unknown): Input {
  const validation = validateInput(value);
  if (validation.ok) return validation.input;
  const [first] = validation.problems;
  if (first === undefined) throw new Error('a refused request has a problem');
  const path = first.loc.slice(1);
  const field = path.join('.');
  const { type, ctx: context } = first;
  throw new SoundstageError('input', sentence(path, valueAt(value, path)), { field, type, context });
}

function sentence(path: readonly (string | number)[], given: unknown): string {
  const field = path.length === 0 ? 'the request' : path.join('.');
  if (given === undefined) return `${field} is missing; it must be ${accepted(path)}`;
  const shown = typeof given === 'number' ? String(given) : JSON.stringify(given)?.slice(0, 60);
  return `${field} must be ${accepted(path)}, not ${shown}`;
}

/** What a field accepts, in words, from the schema itself; inside a choice of shapes, what the whole choice accepts. */
function accepted(path: readonly (string | number)[]): string {
  let schema = servedInput.root;
  for (const key of path) {
    const inner = typeof key === 'number' ? schema.items : schema.properties?.[key];
    if (inner === undefined) break;
    schema = resolved(inner, servedInput.named);
  }
  return describe(schema);
}

function describe(schema: ServedSchema): string {
  const { type, minimum, maximum, minLength, maxLength, maxItems, properties } = resolved(schema, servedInput.named);
  if (schema.anyOf !== undefined) {
    const byName = schema.anyOf.toSorted((a, b) => Number(a.enum === undefined) - Number(b.enum === undefined));
    return byName.map(describe).join(', or ');
  }
  if (schema.enum !== undefined) return `one of ${schema.enum.join(', ')}`;
  if (properties !== undefined) {
    const fields = Object.entries(properties).map(([name, inner]) => `${name}: ${describe(inner)}`);
    return schema === servedInput.root ? 'an object with the fields of a request' : `{ ${fields.join(', ')} }`;
  }
  if (type === 'array') return `a list of at most ${maxItems} items`;
  if (type === 'boolean') return 'true or false';
  if (type === 'string' && maxLength !== undefined) return `a text of ${minLength} to ${maxLength} characters`;
  if (type === 'string') return minLength === undefined ? 'a text' : 'a text that is not empty';
  return `${type === 'integer' ? 'a whole number' : 'a number'} from ${minimum} to ${maximum}`;
}
