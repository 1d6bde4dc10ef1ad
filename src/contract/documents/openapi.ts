import type { Endpoint } from '../endpoint.ts';
import type { JsonSchema } from '../json-schema.ts';
import { type Home, platformHome } from './home.ts';

/** An OpenAPI document; its schemas use `null` and numeric exclusive bounds, as the platform's own do. */
export interface OpenApiDocument {
  readonly openapi: '3.0.4';
  readonly info: Readonly<Record<string, unknown>>;
  readonly components: {
    readonly securitySchemes: Readonly<Record<string, unknown>>;
    readonly schemas: Readonly<Record<string, JsonSchema>>;
  };
  readonly paths: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  readonly servers: readonly { readonly url: string }[];
  readonly security: readonly Readonly<Record<string, readonly string[]>>[];
}

const text = (description: string) => ({ type: 'string', description }) as const;
const anyObject = (description: string) => ({ type: 'object', description, additionalProperties: true }) as const;

const logLevel = { type: 'string', enum: ['STDERR', 'STDOUT', 'ERROR', 'INFO', 'WARN', 'DEBUG'] } as const;
const logSource = { type: 'string', enum: ['USER'] } as const;

/** Level and source are told twice, because some clients read them at the top and some in `labels`. */
const logEntry = Object.freeze({
  type: 'object',
  properties: {
    message: { type: 'string' },
    level: logLevel,
    source: logSource,
    labels: { type: 'object', properties: { level: logLevel, source: logSource }, required: ['level', 'source'] },
    timestamp: text('When it was logged, ISO 8601.'),
  },
  required: ['message', 'level', 'source', 'labels', 'timestamp'],
} satisfies JsonSchema);

const queueStatus = Object.freeze({
  type: 'object',
  properties: {
    status: { type: 'string', enum: ['IN_QUEUE', 'IN_PROGRESS', 'COMPLETED'] },
    request_id: text('The request id.'),
    response_url: text('The response url.'),
    status_url: text('The status url.'),
    cancel_url: text('The cancel url.'),
    logs: { description: 'The logs.', anyOf: [{ type: 'array', items: logEntry }, { type: 'null' }] },
    metrics: anyObject('The metrics.'),
    queue_position: { type: 'integer', description: 'The queue position.' },
  },
  required: ['status', 'request_id'],
} satisfies JsonSchema);

const cancelled = Object.freeze({
  type: 'object',
  properties: { success: { type: 'boolean', description: 'Whether the request was cancelled successfully.' } },
} satisfies JsonSchema);

/** Base of the queue's addresses, as the platform publishes it. */
const publishedQueue = 'https://queue.fal.run';

/** An endpoint's queue as the platform documents it. `server` is the base of the queue's addresses. */
export function openapi(
  endpoint: Endpoint,
  server: string = publishedQueue,
  { site }: Home = platformHome,
): OpenApiDocument {
  const { id, category, description, input, output } = endpoint;
  const name = schemaName(id);
  const schemas = {
    QueueStatus: queueStatus,
    [`${name}Input`]: input.root,
    [`${name}Output`]: output.root,
    ...input.named,
    ...output.named,
  };
  const info = {
    title: `Queue OpenAPI for ${id}`,
    version: '1.0.0',
    description: `The OpenAPI schema for the ${id} queue.`,
    'x-fal-metadata': {
      endpointId: id,
      category,
      playgroundUrl: `${site}/models/${id}`,
      documentationUrl: `${site}/models/${id}/api`,
      about: description,
    },
  };
  const paths = queuePaths(id, { input: reference(`${name}Input`), output: reference(`${name}Output`) });
  return document(server, { info, schemas, paths });
}

/** The queue of any endpoint, `ids` for example: the id is a parameter and bodies are plain objects. */
export function genericOpenapi(ids: readonly string[], server: string = publishedQueue): OpenApiDocument {
  const body = anyObject('As the endpoint documents it.');
  const paths = queuePaths('{endpoint_id}', { input: body, output: body }, [
    pathParameter('endpoint_id', `Endpoint ID, e.g. ${ids.join(' or ')}`),
  ]);
  const info = { title: 'Queue OpenAPI', version: '1.0.0', description: 'The OpenAPI schema for the queue.' };
  return document(server, { info, schemas: { QueueStatus: queueStatus }, paths });
}

/** `fal-ai/ltx-2-19b/distilled` → `Ltx219bDistilled`: the parts after the owner, joined in Pascal case. */
export function schemaName(id: string): string {
  const words = id
    .split('/')
    .slice(1)
    .join('/')
    .split(/[^A-Za-z0-9]+/);
  return words.map((word) => word.slice(0, 1).toUpperCase() + word.slice(1)).join('');
}

interface DocumentParts extends Pick<OpenApiDocument, 'info' | 'paths'> {
  readonly schemas: OpenApiDocument['components']['schemas'];
}

function document(server: string, { info, schemas, paths }: DocumentParts): OpenApiDocument {
  return {
    openapi: '3.0.4',
    info,
    components: {
      securitySchemes: {
        apiKeyAuth: { type: 'apiKey', in: 'header', name: 'Authorization', description: 'Fal Key' },
      },
      schemas,
    },
    paths,
    servers: [{ url: server }],
    security: [{ apiKeyAuth: [] }],
  };
}

interface Bodies {
  readonly input: object;
  readonly output: object;
}

function queuePaths(id: string, { input, output }: Bodies, shared: readonly object[] = []): OpenApiDocument['paths'] {
  const ofRequest = [...shared, pathParameter('request_id', 'Request ID')];
  const request = `/${id}/requests/{request_id}`;
  const status = reference('QueueStatus');
  return {
    [`${request}/status`]: {
      get: { parameters: [...ofRequest, logsParameter], responses: ok('The request status.', status) },
    },
    [`${request}/cancel`]: {
      put: { parameters: ofRequest, responses: ok('The request was cancelled.', cancelled) },
    },
    [`/${id}`]: {
      post: {
        ...(shared.length > 0 && { parameters: shared }),
        requestBody: { required: true, ...json(input) },
        responses: ok('The request status.', status),
      },
    },
    [request]: { get: { parameters: ofRequest, responses: ok('Result of the request.', output) } },
  };
}

const logsParameter = Object.freeze({
  name: 'logs',
  in: 'query',
  required: false,
  schema: { type: 'number', description: 'Whether to include logs (`1`) in the response or not (`0`).' },
});

function pathParameter(name: string, description: string) {
  return { name, in: 'path', required: true, schema: text(description) };
}

function reference(name: string) {
  return { $ref: `#/components/schemas/${name}` };
}

function ok(description: string, schema: object) {
  return { 200: { description, ...json(schema) } };
}

function json(schema: object) {
  return { content: { 'application/json': { schema } } };
}
