import type { z } from 'zod';
import type { ClipSettings } from '../pipeline/plan/plan.ts';
import { appOf } from './endpoint-id.ts';
import type { FilmRequest } from './film/film-schema.ts';
import type { ClipFiles } from './input/clip-settings.ts';
import type { Input } from './input/input-schema.ts';
import { type Validation, validateInput } from './input/validate-input.ts';
import { type JsonSchemas, published, type SchemaSet, type ServedSchema, served } from './json-schema.ts';
import type { Price } from './price.ts';

/** What an endpoint is, in its own words and as it is published. */
export interface EndpointDefinition<Valid> {
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
}

/** An endpoint: what it is called and costs, what it takes and returns. */
export interface Endpoint<Valid = unknown> extends Omit<EndpointDefinition<Valid>, 'inputSchema' | 'outputSchema'> {
  readonly makes: 'clips' | 'films';
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

/** What a clip should be, from a valid request and its files. */
type ToSettings = (
  input: Input,
  files: ClipFiles,
  chosen: Pick<ClipSettings, 'seed' | 'device' | 'deviceMemory' | 'precision'>,
) => ClipSettings;

/** An endpoint that makes clips, and which clip a request asks for. */
export interface ClipEndpoint<Valid extends Input = Input> extends Endpoint<Valid> {
  readonly makes: 'clips';
  readonly toSettings: ToSettings;
}

export interface FilmEndpoint extends Endpoint<FilmRequest> {
  readonly makes: 'films';
}

export type AnyEndpoint = ClipEndpoint | FilmEndpoint;

/** The endpoints of a server by id, in the order in which they are listed. */
export type Endpoints = ReadonlyMap<string, AnyEndpoint>;

export function defineEndpoint<Valid extends Input>({
  toSettings,
  ...definition
}: EndpointDefinition<Valid> & { readonly toSettings: ToSettings }): ClipEndpoint<Valid> {
  return Object.freeze({ ...endpointOf(definition), makes: 'clips', toSettings });
}

export function defineFilmEndpoint(definition: EndpointDefinition<FilmRequest>): FilmEndpoint {
  return Object.freeze({ ...endpointOf(definition), makes: 'films' });
}

export function endpointsById(endpoints: readonly AnyEndpoint[]): Endpoints {
  return new Map(endpoints.map((endpoint) => [endpoint.id, endpoint]));
}

function endpointOf<Valid>(definition: EndpointDefinition<Valid>): Omit<Endpoint<Valid>, 'makes'> {
  const { inputSchema, outputSchema, ...rest } = definition;
  const servedInput = served(inputSchema);
  return {
    ...rest,
    app: appOf(definition.id),
    servedInput,
    input: published(servedInput),
    output: published(served(outputSchema)),
    validate: (body: unknown) => validateInput(body, { schema: inputSchema, served: servedInput }),
  };
}
