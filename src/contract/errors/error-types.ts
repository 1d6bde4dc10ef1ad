interface ErrorType {
  readonly status: number;
  /** Whether the same request may succeed later. */
  readonly retryable: boolean;
}

interface ModelErrorType extends ErrorType {
  /** Parameters that belong to the type. */
  readonly ctx: readonly string[];
}

function final(...ctx: readonly string[]): ModelErrorType {
  return Object.freeze({ status: 422, retryable: false, ctx });
}

function passing(status: number): ModelErrorType {
  return Object.freeze({ status, retryable: true, ctx: [] });
}

const archiveCount = ['provided_count', 'supported_extensions'] as const;
const audioOrVideo = 'provided_duration';

/** What a model replies with: entries of the list `detail`. Any other type is final, with status 422. */
export const modelErrorTypes = Object.freeze({
  internal_server_error: passing(500),
  generation_timeout: passing(504),
  downstream_service_error: passing(400),
  downstream_service_unavailable: passing(500),
  content_policy_violation: final(),
  no_media_generated: final(),
  image_too_small: final('min_height', 'min_width'),
  image_too_large: final('max_height', 'max_width'),
  image_load_error: final(),
  file_download_error: final(),
  face_detection_error: final(),
  file_too_large: final('max_size'),
  greater_than: final('gt'),
  greater_than_equal: final('ge'),
  less_than: final('lt'),
  less_than_equal: final('le'),
  multiple_of: final('multiple_of'),
  sequence_too_short: final('min_length'),
  sequence_too_long: final('max_length'),
  one_of: final('expected'),
  feature_not_supported: final(),
  invalid_archive: final('supported_extensions'),
  archive_file_count_below_minimum: final('min_count', ...archiveCount),
  archive_file_count_exceeds_maximum: final('max_count', ...archiveCount),
  audio_duration_too_long: final('max_duration', audioOrVideo),
  audio_duration_too_short: final('min_duration', audioOrVideo),
  video_duration_too_long: final('max_duration', audioOrVideo),
  video_duration_too_short: final('min_duration', audioOrVideo),
  unsupported_audio_format: final('supported_formats'),
  unsupported_image_format: final('supported_formats'),
  unsupported_video_format: final('supported_formats'),
});

function request(status: number, retryable: boolean): ErrorType {
  return Object.freeze({ status, retryable });
}

/** What the platform around a model replies with: `error_type` beside a text `detail`. */
export const requestErrorTypes = Object.freeze({
  request_timeout: request(504, true),
  startup_timeout: request(504, true),
  runner_scheduling_failure: request(503, true),
  runner_connection_timeout: request(503, true),
  runner_disconnected: request(503, true),
  runner_connection_refused: request(503, true),
  runner_connection_error: request(503, true),
  runner_incomplete_response: request(502, true),
  runner_server_error: request(500, true),
  internal_error: request(500, true),
  client_disconnected: request(499, false),
  client_cancelled: request(499, false),
  bad_request: request(400, false),
  concurrent_requests_limit: request(429, true),
});

export type ModelErrorName = keyof typeof modelErrorTypes;
export type RequestErrorName = keyof typeof requestErrorTypes;

export function isRequestError(type: unknown): type is RequestErrorName {
  return typeof type === 'string' && Object.hasOwn(requestErrorTypes, type);
}

function isModelError(type: unknown): type is ModelErrorName {
  return typeof type === 'string' && Object.hasOwn(modelErrorTypes, type);
}

/** Status and retryability of a model-level type; those of the validator's own types are not in the catalog. */
export function modelErrorType(type: unknown): ErrorType {
  return isModelError(type) ? modelErrorTypes[type] : { status: 422, retryable: false };
}
