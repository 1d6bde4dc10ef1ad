import { SoundstageError } from '../../shared/errors.ts';
import { valueAt } from '../errors/problem.ts';
import { resolved, type SchemaSet, type ServedSchema } from '../json-schema.ts';
import type { Validation } from './validate-input.ts';

export { type Input, type InputField, type InputWithLoras, inputSchema } from './input-schema.ts';

type Path = readonly (string | number)[];
type Served = SchemaSet<ServedSchema>;

/** What of an endpoint reads its input. */
interface InputReader<Valid> {
  readonly servedInput: Served;
  validate(body: unknown): Validation<Valid>;
}

/**
 * Validates a request for a caller who reads one sentence.
 *
 * @throws SoundstageError `input` naming the first offending field and what is accepted
 */
export function parseInput<Valid>(value: unknown, endpoint: InputReader<Valid>): Valid {
  const validation = endpoint.validate(value);
  if (validation.ok) return validation.input;
  const [first] = validation.problems;
  if (first === undefined) throw new Error('a refused request has a problem');
  const path = first.loc.slice(1);
  const field = path.join('.');
  const { type, ctx: context } = first;
  const sentence = refusal(path, valueAt(value, path), endpoint.servedInput);
  throw new SoundstageError('input', sentence, { field, type, context });
}

function refusal(path: Path, given: unknown, served: Served): string {
  const field = path.length === 0 ? 'the request' : path.join('.');
  const accepted = acceptedValues(path, served);
  if (given === undefined) return `${field} is missing; it must be ${accepted}`;
  const shown = typeof given === 'number' ? String(given) : JSON.stringify(given)?.slice(0, 60);
  return `${field} must be ${accepted}, not ${shown}`;
}

/** What a field accepts, in words; inside a choice of shapes, what the whole choice accepts. */
export function acceptedValues(path: Path, served: Served): string {
  return describe(schemaAt(path, served), served);
}

/** The schema of a field; inside a choice of shapes, that of the whole choice. */
export function schemaAt(path: Path, { root, named }: Served): ServedSchema {
  let schema = root;
  for (const key of path) {
    const inner = typeof key === 'number' ? schema.items : schema.properties?.[key];
    if (inner === undefined) break;
    schema = resolved(inner, named);
  }
  return schema;
}

/** What a schema accepts, in words. */
function describe(schema: ServedSchema, served: Served): string {
  const { type, minimum, maximum, minLength, maxLength, maxItems, properties } = resolved(schema, served.named);
  if (schema.anyOf !== undefined) {
    const byName = schema.anyOf.toSorted((a, b) => Number(a.enum === undefined) - Number(b.enum === undefined));
    return byName.map((each) => describe(each, served)).join(', or ');
  }
  if (schema.enum !== undefined) return `one of ${schema.enum.join(', ')}`;
  if (properties !== undefined) {
    const fields = Object.entries(properties).map(([name, inner]) => `${name}: ${describe(inner, served)}`);
    return schema === served.root ? 'an object with the fields of a request' : `{ ${fields.join(', ')} }`;
  }
  if (type === 'array') return `a list of at most ${maxItems} items`;
  if (type === 'boolean') return 'true or false';
  if (type === 'string' && maxLength !== undefined) return `a text of ${minLength} to ${maxLength} characters`;
  if (type === 'string') return minLength === undefined ? 'a text' : 'a text that is not empty';
  return `${type === 'integer' ? 'a whole number' : 'a number'} from ${minimum} to ${maximum}`;
}
