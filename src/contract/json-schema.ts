import { z } from 'zod';

/** The parts of JSON Schema that the contract uses. */
export interface JsonSchema {
  readonly $ref?: string;
  readonly type?: 'object' | 'array' | 'string' | 'integer' | 'number' | 'boolean' | 'null';
  readonly title?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly examples?: readonly unknown[];
  readonly enum?: readonly string[];
  readonly anyOf?: readonly JsonSchema[];
  readonly items?: JsonSchema;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly required?: readonly string[];
  readonly 'x-fal-order-properties'?: readonly string[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly exclusiveMinimum?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly maxItems?: number;
}

/** A schema as it is served, with what is published otherwise beside it. */
export interface ServedSchema extends JsonSchema {
  readonly nullable?: boolean;
  readonly published?: Readonly<Record<string, number>>;
  readonly anyOf?: readonly ServedSchema[];
  readonly items?: ServedSchema;
  readonly properties?: Readonly<Record<string, ServedSchema>>;
}

/** A schema and the ones it refers to, by name. */
export interface SchemaSet<Schema extends JsonSchema> {
  readonly root: Schema;
  readonly named: Readonly<Record<string, Schema>>;
}

export type JsonSchemas = SchemaSet<JsonSchema>;

/** What a value must be to be served: as a schema's input is read. */
export function served(schema: z.ZodType): SchemaSet<ServedSchema> {
  const { $schema, $defs, ...root } = z.toJSONSchema(schema, { io: 'input' });
  return { root: root as ServedSchema, named: ($defs ?? {}) as Readonly<Record<string, ServedSchema>> };
}

/** The same as one JSON Schema document, for whoever makes a form of it. */
export function schemaDocument({ root, named }: SchemaSet<ServedSchema>): Readonly<Record<string, unknown>> {
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    ...withoutPublished(root),
    $defs: mapValues(named, withoutPublished),
  };
}

/** The same as the platform publishes it. */
export function published({ root, named }: SchemaSet<ServedSchema>): JsonSchemas {
  return { root: publish(root), named: mapValues(named, publish) };
}

/** The schema a reference stands for; any other schema is itself. */
export function resolved<Schema extends JsonSchema>(schema: Schema, named: Readonly<Record<string, Schema>>): Schema {
  if (schema.$ref === undefined) return schema;
  const name = schema.$ref.slice(schema.$ref.lastIndexOf('/') + 1);
  const target = named[name];
  if (target === undefined) throw new Error(`there is no schema ${schema.$ref}`);
  return target;
}

function publish(schema: ServedSchema): JsonSchema {
  const { nullable, published: limits, ...rest } = schema;
  const { properties, items, anyOf, $ref, ...plain } =
    limits === undefined ? rest : { ...withoutLimits(rest), ...limits };
  const shown: JsonSchema = {
    ...(properties && { 'x-fal-order-properties': Object.keys(properties) }),
    ...plain,
    ...($ref && { $ref: $ref.replace('#/$defs/', '#/components/schemas/') }),
    ...(items && { items: publish(items) }),
    ...(anyOf && { anyOf: anyOf.map(publish) }),
    ...(properties && { properties: mapValues(properties, publish) }),
  };
  return nullable ? orNull(shown) : shown;
}

function withoutPublished(schema: ServedSchema): ServedSchema {
  const { published: _, properties, items, anyOf, ...rest } = schema;
  return {
    ...rest,
    ...(items && { items: withoutPublished(items) }),
    ...(anyOf && { anyOf: anyOf.map(withoutPublished) }),
    ...(properties && { properties: mapValues(properties, withoutPublished) }),
  };
}

function withoutLimits(schema: ServedSchema): ServedSchema {
  const { minimum, maximum, exclusiveMinimum, minLength, maxLength, maxItems, ...rest } = schema;
  return rest;
}

/** The way of 3.1 to allow null, as the platform publishes it. */
function orNull({ title, description, examples, ...value }: JsonSchema): JsonSchema {
  return {
    ...(title && { title }),
    ...(description && { description }),
    ...(examples && { examples }),
    anyOf: [value, { type: 'null' }],
  };
}

function mapValues<From, To>(record: Readonly<Record<string, From>>, map: (value: From) => To): Record<string, To> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, map(value)]));
}
