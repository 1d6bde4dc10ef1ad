import { signal } from '@preact/signals';
import { ask } from './connection.ts';

/** One field of the endpoint's input, as the server's JSON Schema has it. */
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

export const inputSchema = signal<InputSchema>({ properties: {}, required: [] });

interface SchemaDocument extends FieldSchema {
  readonly $defs?: Readonly<Record<string, FieldSchema>>;
}

/** Reads the schema; references are replaced by what they stand for. @throws ServerError, OutageError */
export async function loadInputSchema(): Promise<void> {
  const document = await ask('input-schema', (reply): Promise<SchemaDocument> => reply.json());
  const { properties = {}, required = [] } = resolve(document, document.$defs ?? {});
  inputSchema.value = { properties, required };
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

/** Limits of a number, where the schema has them. */
export function fieldSchema(name: string): FieldSchema {
  return inputSchema.value.properties[name] ?? {};
}
