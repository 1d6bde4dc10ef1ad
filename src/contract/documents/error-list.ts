import {
  type ModelErrorName,
  modelErrorTypes,
  type RequestErrorName,
  requestErrorTypes,
} from '../errors/error-types.ts';

/** A type of error as people read about it. */
export interface ErrorView {
  readonly type: string;
  readonly status: number;
  /** Whether the same request may succeed later. */
  readonly retryable: boolean;
  /** Parameters in `ctx`. */
  readonly parameters: readonly string[];
  readonly meaning: string;
}

/** Of the catalog, what this program replies with. */
const modelMeanings = {
  greater_than_equal: 'A number is too small.',
  less_than_equal: 'A number is too large.',
  sequence_too_short: 'A text is too short.',
  sequence_too_long: 'A text is too long, or a list has too many items.',
  one_of: 'The value is none of those that the field takes.',
  file_download_error: 'A file cannot be fetched: its address is wrong, gone, private or too slow.',
  file_too_large: 'A file is larger than the server takes.',
  unsupported_audio_format: 'The recording cannot be read.',
  unsupported_image_format: 'The picture is in a format that is not read.',
  image_load_error: 'The picture cannot be read.',
  image_too_large: 'The picture has too many pixels.',
  content_policy_violation: 'The safety checker refuses the prompt or a picture.',
  feature_not_supported: 'The weights on this server lack what was asked for, such as a camera move.',
  downstream_service_unavailable: 'Something that is needed for this, such as the model hub, cannot be reached.',
  internal_server_error: 'The server failed, or the clip does not fit into its memory.',
} satisfies Partial<Record<ModelErrorName, string>>;

const requestMeanings = {
  bad_request: 'A header, the query or the body cannot be read.',
  concurrent_requests_limit: 'Too many requests wait already, or run at the same time.',
  request_timeout: 'It could not be started within the time that its caller gave it.',
  client_cancelled: 'Its caller cancelled it.',
  client_disconnected: 'The caller of a direct run went away.',
  runner_scheduling_failure: 'The server cannot take requests at the moment; `Retry-After` says when to come again.',
  runner_disconnected: 'The worker stopped, or the server is shutting down.',
  runner_server_error: 'The model crashed on it again and again.',
} satisfies Partial<Record<RequestErrorName, string>>;

/** What is wrong with an input: entries of the list `detail`. */
export const modelErrors: readonly ErrorView[] = keys(modelMeanings).map((type) => {
  const { status, retryable, ctx } = modelErrorTypes[type];
  return { type, status, retryable, parameters: ctx, meaning: modelMeanings[type] };
});

/** What happened to a request as a whole: `error_type` beside a sentence in `detail`. */
export const requestErrors: readonly ErrorView[] = keys(requestMeanings).map((type) => {
  const { status, retryable } = requestErrorTypes[type];
  return { type, status, retryable, parameters: [], meaning: requestMeanings[type] };
});

function keys<Name extends string>(record: Readonly<Record<Name, string>>): readonly Name[] {
  return Object.keys(record).filter((name): name is Name => Object.hasOwn(record, name));
}
