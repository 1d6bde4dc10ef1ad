import type { z } from 'zod';
import type { ClipSettings } from '../pipeline/plan/plan.ts';
import { appOf } from './endpoint-id.ts';
import type { ClipFiles } from './input/clip-settings.ts';
import type { Input } from './input/input-schema.ts';
import { type Validation, validateInput } from './input/validate-input.ts';
import { type JsonSchemas, published, type SchemaSet, type ServedSchema, served } from './json-schema.ts';
import type { Price } from './price.ts';

/** What an endpoint is, in its own words and as it is published. */
export interface EndpointDefinition<Valid extends Input> {
  /** `owner/alias/…` */
  readonly id: string;
  readonly displayName: string;
  readonly description: string;
  readonly category: string;
  readonly kind: string;
  readonly status: string;
  readonly tags: readonly string[];
  readonly licenseType: string;
  readonly group: { readonly key: string; readonly label: string };
  readonly trainingEndpointIds: readonly string[];
  readonly price: Price;
  /** Fields in published order, with what is published about them (see `field-schemas.ts`). Unknown fields are ignored. */
  readonly inputSchema: z.ZodType<Valid>;
  readonly outputSchema: z.ZodType;
  /** Fields that name files, as paths such as `loras.*.path`; the star stands for every item of a list. */
  readonly fileFields: readonly string[];
  /** What a clip should be, from a valid request and its files. */
  toSettings(
    input: Input,
    files: ClipFiles,
    chosen: Pick<ClipSettings, 'seed' | 'device' | 'deviceMemory' | 'precision'>,
  ): ClipSettings;
}

/** An endpoint: what it is called and costs, what it takes and returns, and which clip a request asks for. */
export interface Endpoint<Valid extends Input = Input>
  extends Omit<EndpointDefinition<Valid>, 'inputSchema' | 'outputSchema'> {
  /** See `appOf`. */
  readonly app: string;
  /** What the input must be to be served. */
  readonly servedInput: SchemaSet<ServedSchema>;
  /** Input and output as the platform publishes them. */
  readonly input: JsonSchemas;
  readonly output: JsonSchemas;
  /** See `validateInput`. */
  validate(body: unknown): Validation<Valid>;
}

/** The endpoints of a server by id, in the order in which they are listed. */
export type Endpoints = ReadonlyMap<string, Endpoint>;

export function defineEndpoint<Valid extends Input>(definition: EndpointDefinition<Valid>): Endpoint<Valid> {
  const { inputSchema, outputSchema, ...rest } = definition;
  const servedInput = served(inputSchema);
  return Object.freeze({
    ...rest,
    app: appOf(definition.id),
    servedInput,
    input: published(servedInput),
    output: published(served(outputSchema)),
    validate: (body: unknown) => validateInput(body, { schema: inputSchema, served: servedInput }),
  });
}

export function endpointsById(endpoints: readonly Endpoint[]): Endpoints {
  return new Map(endpoints.map((endpoint) => [endpoint.id, endpoint]));
}
