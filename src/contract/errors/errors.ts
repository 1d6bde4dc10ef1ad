import { SoundstageError } from '../../shared/errors.ts';
import type { Endpoint } from '../endpoint.ts';
import { errorHeaders } from './error-headers.ts';
import { pathOfField } from './error-location.ts';
import { isRequestError, modelErrorType, type RequestErrorName, requestErrorTypes } from './error-types.ts';
import { type Problem, problem, valueAt } from './problem.ts';
import { redactPaths } from './redact-paths.ts';
import { truncateText } from './truncate.ts';

export { errorHeaders } from './error-headers.ts';

/** An error as a caller gets it. */
export interface ErrorReply {
  readonly status: number;
  readonly body:
    | { readonly detail: readonly Problem[] }
    | { readonly detail: string; readonly error_type: RequestErrorName };
  readonly headers: Readonly<Record<string, string>>;
  /** The error type and a sentence, as statuses and webhooks carry them. */
  readonly type: string;
  readonly message: string;
}

const internalError = 'Internal Server Error';
/** Names in a hostile file get into messages. */
const maxMessageCharacters = 1000;
const outOfMemory =
  'The clip does not fit into the memory of the server: choose a smaller video_size or fewer num_frames.';
const audioFormats = Object.freeze(['mp3', 'wav', 'flac', 'm4a', 'aac', 'ogg', 'opus', 'webm', 'mp4', 'mov']);

/** The reply to a request that does not follow the schema. */
export function validationReply(problems: readonly Problem[]): ErrorReply {
  const [first] = problems;
  if (first === undefined) throw new Error('a refused request has a problem');
  const { status } = modelErrorType(first.type);
  const body = { detail: problems };
  const message = `${first.loc.join('.')}: ${first.msg}`;
  return { status, body, headers: errorHeaders(status, body), type: first.type, message };
}

/** The reply for what happened to a request before it reached the model, or on the way. */
export function requestError(type: RequestErrorName, detail: string): ErrorReply {
  const { status } = requestErrorTypes[type];
  const body = { detail, error_type: type };
  return { status, body, headers: errorHeaders(status, body), type, message: detail };
}

/** The request that something went wrong with. */
export interface FailedRequest {
  readonly endpoint: Pick<Endpoint, 'servedInput'>;
  /** As received; the offending value is repeated. */
  readonly input: unknown;
}

/**
 * The reply for whatever went wrong while a request was served. What is the request's fault says so at the field;
 * anything else gives nothing of the server away.
 *
 * @param request absent where none was read yet
 */
export function errorReply(error: unknown, request?: FailedRequest): ErrorReply {
  if (!(error instanceof SoundstageError)) return modelReply([], 'internal_server_error', internalError);
  const { kind, type, context } = error;
  const message = redactPaths(truncateText(error.message, maxMessageCharacters));
  if (kind === 'cancelled') return requestError('client_cancelled', 'Request was cancelled by the client');
  if (isRequestError(type)) return requestError(type, message);
  const path =
    error.field === undefined || request === undefined
      ? undefined
      : pathOfField(error.field, request.endpoint.servedInput);
  const isRequestsFault = path !== undefined && kind !== 'crash' && kind !== 'device';
  if (isRequestsFault || type !== undefined) {
    const { type: known, ctx } = type === undefined ? typeByField(kind, path ?? []) : { type, ctx: context };
    return modelReply(path ?? [], known, message, { ctx, input: request?.input });
  }
  if (kind === 'device' && isOutOfMemory(error)) return modelReply([], 'internal_server_error', outOfMemory);
  if (kind === 'network') {
    return modelReply([], 'downstream_service_unavailable', 'A service that is needed for this cannot be reached.');
  }
  return modelReply([], 'internal_server_error', internalError);
}

interface ReplyDetails {
  readonly ctx?: Readonly<Record<string, unknown>> | undefined;
  readonly input?: unknown;
}

function modelReply(
  path: readonly (string | number)[],
  type: string,
  msg: string,
  { ctx, input }: ReplyDetails = {},
): ErrorReply {
  const { status } = modelErrorType(type);
  const given = path.length === 0 ? undefined : valueAt(input, path);
  const body = { detail: [problem(path, { type, msg, ctx, input: given })] };
  return { status, body, headers: errorHeaders(status, body), type, message: msg };
}

/** The type of an error that names a field only. */
function typeByField(
  kind: SoundstageError['kind'],
  [field]: readonly (string | number)[],
): {
  readonly type: string;
  readonly ctx?: Readonly<Record<string, unknown>>;
} {
  if (kind === 'network') return { type: 'file_download_error' };
  if (field === 'audio_url') return { type: 'unsupported_audio_format', ctx: { supported_formats: audioFormats } };
  if (field === 'image_url' || field === 'end_image_url') return { type: 'image_load_error' };
  return { type: 'value_error' };
}

/** The words the runtime, CUDA and the allocator have for it. */
function isOutOfMemory({ message }: SoundstageError): boolean {
  return /out of memory|failed to allocate|bad_?alloc|bad allocation|allocation fail|not enough memory/i.test(message);
}
