import type { ContentfulStatusCode } from 'hono/utils/http-status';
import { redactPaths } from '../../contract/errors/redact-paths.ts';
import { DatabaseUnavailable } from '../../database/database-unavailable.ts';
import { SoundstageError } from '../../shared/errors.ts';

/** An upload or a file request that is refused, with the reply's status. */
export class StorageRefusal extends Error {
  override readonly name = 'StorageRefusal';
  readonly status: ContentfulStatusCode;

  constructor(status: ContentfulStatusCode, message: string, cause?: unknown) {
    super(message, { cause });
    this.status = status;
  }
}

/** The reply's status where it does not follow from the kind of error alone. */
const statusOfType: Readonly<Record<string, ContentfulStatusCode>> = { file_too_large: 413, unknown_upload: 404 };

/** Refusals as they are, and what the file store reports in the words of HTTP; undefined for anything else. */
export function storageRefusal(error: unknown): StorageRefusal | undefined {
  if (error instanceof StorageRefusal) return error;
  if (!(error instanceof SoundstageError)) return undefined;
  // Not a matter of files: answered like everywhere else.
  if (error instanceof DatabaseUnavailable) return undefined;
  const { kind, type = '' } = error;
  const message = redactPaths(error.message);
  if (kind === 'device') return new StorageRefusal(507, message, error);
  if (kind === 'network') return new StorageRefusal(503, 'the file store cannot be reached: try again later', error);
  return kind === 'input' ? new StorageRefusal(statusOfType[type] ?? 400, message, error) : undefined;
}
