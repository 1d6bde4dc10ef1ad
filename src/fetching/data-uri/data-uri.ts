import { downloadError, downloadTooLarge, type Purpose } from '../download-error.ts';
import { DataUriDecoder, MalformedDataUri } from './data-uri-decoder.ts';

/** Characters decoded at a time. */
const pieceBytes = 1 << 20;

/**
 * Decodes a data URI piece by piece; see `DataUriDecoder`.
 *
 * @throws SoundstageError `input` of type `file_download_error` or `file_too_large`, while it is read
 */
export function* decodeDataUri(uri: string, purpose: Purpose): Generator<Buffer, void, void> {
  const decoder = new DataUriDecoder();
  let bytes = 0;
  try {
    for (let start = 0; start <= uri.length; start += pieceBytes) {
      const text = uri.slice(start, start + pieceBytes);
      const isLast = start + pieceBytes > uri.length;
      for (const piece of isLast ? [decoder.write(text), decoder.end()] : [decoder.write(text)]) {
        bytes += piece.length;
        if (bytes > purpose.maxBytes) throw downloadTooLarge(purpose);
        yield piece;
      }
    }
  } catch (error) {
    throw error instanceof MalformedDataUri ? downloadError(purpose, error.message, error) : error;
  }
}
