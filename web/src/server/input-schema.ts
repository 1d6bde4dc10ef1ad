import { ask } from './connection.ts';

/** One field of an endpoint's input, as the server's JSON Schema has it. */
export interface FieldSchema {
  readonly type?: 'object' | 'array' | 'string' | 'integer' | 'number' | 'boolean';
  readonly title?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly examples?: readonly unknown[];
  readonly enum?: readonly string[];
  readonly anyOf?: readonly FieldSchema[];
  readonly items?: FieldSchema;
  readonly properties?: Readonly<Record<string, FieldSchema>>;
  readonly required?: readonly string[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly maxItems?: number;
  readonly $ref?: string;
}

export interface InputSchema {
  readonly properties: Readonly<Record<string, FieldSchema>>;
  readonly required: readonly string[];
}

interface SchemaDocument extends FieldSchema {
  readonly $defs?: Readonly<Record<string, FieldSchema>>;
}

/** Reads an endpoint's schema; references are replaced by what they stand for. @throws ServerError, OutageError */
export async function loadInputSchema(endpoint: string): Promise<InputSchema> {
  const path = `input-schema?endpoint_id=${endpoint}`;
  const document = await ask(path, (reply): Promise<SchemaDocument> => reply.json());
  const { properties = {}, required = [] } = resolve(document, document.$defs ?? {});
  return { properties, required };
}

function resolve(schema: FieldSchema, named: Readonly<Record<string, FieldSchema>>): FieldSchema {
  const { $ref, ...own } = schema;
  const target = $ref === undefined ? undefined : named[$ref.slice($ref.lastIndexOf('/') + 1)];
  const { properties, items, anyOf, ...rest } = { ...target, ...own };
  const inner = Object.entries(properties ?? {}).map(([name, field]) => [name, resolve(field, named)]);
  return {
    ...rest,
    ...(properties && { properties: Object.fromEntries(inner) }),
    ...(items && { items: resolve(items, named) }),
    ...(anyOf && { anyOf: anyOf.map((choice) => resolve(choice, named)) }),
  };
}
