import type { z } from 'zod';
import { type Problem, type ProblemDetails, problem, valueAt } from '../errors/problem.ts';
import { resolved, type SchemaSet, type ServedSchema } from '../json-schema.ts';
import { laxScalar } from './lax-values.ts';

export type Validation<Valid> =
  | { readonly ok: true; readonly input: Valid }
  | { readonly ok: false; readonly problems: readonly Problem[] };

type Path = readonly (string | number)[];
type Issue = z.core.$ZodIssue;
type Served = SchemaSet<ServedSchema>;

/** What the input of an endpoint must be, twice: to validate it, and to read it and say what is wrong. */
interface InputSchemas<Valid> {
  readonly schema: z.ZodType<Valid>;
  readonly served: Served;
}

/**
 * Validates the body of a request. Values are read as leniently as the hosted endpoint does, null stands for absent
 * where that is allowed, unknown fields are ignored.
 *
 * @returns the input, or every problem in published order, at most one for each value
 */
export function validateInput<Valid>(body: unknown, { schema, served }: InputSchemas<Valid>): Validation<Valid> {
  const parsed = schema.safeParse(read(body, served.root, served.named));
  if (parsed.success) return { ok: true, input: parsed.data };
  const problems = new Map<string, Problem>();
  for (const issue of parsed.error.issues.flatMap((each) => branches(each, body))) {
    const found = problem(pathOf(issue), details(issue, body, served));
    const key = JSON.stringify(found.loc);
    if (!problems.has(key)) problems.set(key, found);
  }
  return { ok: false, problems: [...problems.values()] };
}

/** The served schema at a path; of a choice of shapes the one that fits the value there. */
function schemaAt(path: Path, body: unknown, { root, named }: Served): ServedSchema {
  let schema = root;
  for (const [depth, key] of path.entries()) {
    const around = chosen(schema, valueAt(body, path.slice(0, depth)), named);
    const inner = typeof key === 'number' ? around.items : around.properties?.[key];
    if (inner === undefined) throw new Error(`there is no field ${path.join('.')}`);
    schema = inner;
  }
  return resolved(schema, named);
}

/** Takes the known fields of a value, reading each leniently; what cannot be read is left for the schema to refuse. */
function read(given: unknown, schema: ServedSchema, named: Served['named']): unknown {
  const { type, properties, items, maxItems = 0 } = chosen(schema, given, named);
  if (type === 'integer' || type === 'number' || type === 'boolean') {
    const result = laxScalar(type, given);
    return result.ok ? result.value : given;
  }
  // One more than allowed is enough to be refused for it.
  if (Array.isArray(given)) return items ? given.slice(0, maxItems + 1).map((item) => read(item, items, named)) : given;
  if (typeof given !== 'object' || given === null || properties === undefined) return given;
  const fields = Object.entries(properties).flatMap(([name, field]): [string, unknown][] => {
    const value = valueAt(given, [name]);
    return value === undefined || (value === null && field.nullable) ? [] : [[name, read(value, field, named)]];
  });
  return Object.fromEntries(fields);
}

function chosen(schema: ServedSchema, given: unknown, named: Served['named']): ServedSchema {
  const alternatives = schema.anyOf?.map((each) => resolved(each, named));
  const choice = alternatives?.find(({ type }) => (type === 'object') === isObject(given));
  return choice ?? resolved(schema, named);
}

/** The issues of the shape that was meant, where a value may have several. */
function branches(issue: Issue, body: unknown): readonly Issue[] {
  if (issue.code !== 'invalid_union') return [issue];
  const meant = isObject(valueAt(body, pathOf(issue)))
    ? issue.errors.find((issues) => !issues.some(({ path }) => path.length === 0))
    : issue.errors.at(-1);
  return (meant ?? []).map((inner) => ({ ...inner, path: [...issue.path, ...inner.path] }));
}

/** JSON has no symbols. */
function pathOf({ path }: Issue): Path {
  return path.filter((key) => typeof key !== 'symbol');
}

function details(issue: Issue, body: unknown, served: Served): ProblemDetails {
  const path = pathOf(issue);
  const given = valueAt(body, path);
  if (given === undefined) {
    return { type: 'missing', msg: 'Field required', input: valueAt(body, path.slice(0, -1)) };
  }
  return { ...rule(issue, given, schemaAt(path, body, served)), input: given };
}

function rule(issue: Issue, given: unknown, schema: ServedSchema): ProblemDetails {
  switch (issue.code) {
    case 'invalid_type':
      return wrongType(schema, given);
    case 'invalid_value':
      return oneOf(issue.values.map(String), schema);
    case 'too_small':
      return tooSmall(issue.origin, Number(issue.minimum));
    case 'too_big':
      return tooBig(issue.origin, Number(issue.maximum));
    default:
      return { type: issue.code === 'custom' ? String(issue.params?.type) : 'value_error', msg: issue.message };
  }
}

function wrongType({ type }: ServedSchema, given: unknown): ProblemDetails {
  if (type === 'string') return { type: 'string_type', msg: 'Input should be a valid string' };
  if (type === 'array') return { type: 'list_type', msg: 'Input should be a valid list' };
  const result = type === 'integer' || type === 'number' || type === 'boolean' ? laxScalar(type, given) : undefined;
  if (result !== undefined && !result.ok) return { type: result.type, msg: result.msg };
  return { type: 'model_attributes_type', msg: 'Input should be a valid dictionary or object' };
}

function oneOf(expected: readonly string[], { anyOf }: ServedSchema): ProblemDetails {
  const quoted = expected.map((value) => `'${value}'`);
  const names = `${quoted.slice(0, -1).join(', ')} or ${quoted.at(-1)}`;
  const orObject = anyOf === undefined ? '' : ', or an object with width and height';
  return { type: 'one_of', msg: `Input should be ${names}${orObject}`, ctx: { expected } };
}

function tooSmall(origin: string, min: number): ProblemDetails {
  if (origin === 'string' || origin === 'array') {
    const msg = `${sequence(origin)} should have at least ${counted(origin, min)}`;
    return { type: 'sequence_too_short', msg, ctx: { min_length: min } };
  }
  return { type: 'greater_than_equal', msg: `Input should be greater than or equal to ${min}`, ctx: { ge: min } };
}

function tooBig(origin: string, max: number): ProblemDetails {
  if (origin === 'string' || origin === 'array') {
    const msg = `${sequence(origin)} should have at most ${counted(origin, max)}`;
    return { type: 'sequence_too_long', msg, ctx: { max_length: max } };
  }
  return { type: 'less_than_equal', msg: `Input should be less than or equal to ${max}`, ctx: { le: max } };
}

function sequence(origin: 'string' | 'array'): string {
  return origin === 'string' ? 'String' : 'List';
}

function counted(origin: 'string' | 'array', count: number): string {
  return `${count} ${origin === 'string' ? 'character' : 'item'}${count === 1 ? '' : 's'}`;
}

function isObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
