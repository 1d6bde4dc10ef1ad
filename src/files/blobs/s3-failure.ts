import { SoundstageError } from '../../shared/errors.ts';
import { unknownUpload } from './blob-store.ts';

const advice: Readonly<Record<string, string>> = {
  NoSuchBucket: 'it does not exist: create it, or correct SOUNDSTAGE_S3_BUCKET',
  NotFound: 'it does not exist: create it, or correct SOUNDSTAGE_S3_BUCKET',
  AccessDenied: 'access is denied: allow these credentials to list, read, write and delete in it',
  Forbidden: 'access is denied: allow these credentials to list, read, write and delete in it',
  InvalidAccessKeyId: 'the store does not know the access key: check AWS_ACCESS_KEY_ID',
  SignatureDoesNotMatch: 'the credentials do not match: check AWS_SECRET_ACCESS_KEY',
  CredentialsProviderError: 'there are no credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY',
  PermanentRedirect: 'it is in another region: correct SOUNDSTAGE_S3_REGION',
};

/** What the uploader did wrong, as the store sees it. */
const refusals: Readonly<Record<string, string>> = {
  EntityTooSmall: 'every part but the last has to have at least 5 MiB',
  InvalidPart: 'a part is missing or was replaced in the meantime: send it again and use its new etag',
  EntityTooLarge: 'a part may have at most 5 GiB',
};

/** The S3 error code, or the name of an error on the way there. */
export function s3ErrorName(error: unknown): string | undefined {
  return error instanceof Error ? error.name : undefined;
}

/** An error in words for the operator or the uploader; an absent object is returned as the store reports it. */
export function s3Failure(error: unknown, bucket: string): unknown {
  const name = s3ErrorName(error) ?? '';
  if (name === 'NoSuchKey' || error instanceof SoundstageError) return error;
  if (name === 'NoSuchUpload') return unknownUpload(undefined, error);
  const refusal = refusals[name];
  if (refusal !== undefined) return new SoundstageError('input', refusal, { field: 'parts', cause: error });
  const reason = advice[name] ?? `it did not answer as expected (${name || String(error)})`;
  return new SoundstageError('network', `the bucket ${bucket} cannot be used: ${reason}`, { cause: error });
}
