import { STATUS_CODES } from 'node:http';
import type { SoundstageError } from '../../shared/errors.ts';
import { downloadError, type Purpose } from '../download-error.ts';

/** What an answer other than success means to somebody who gave the address. */
export function refuseStatus(purpose: Purpose, host: string, status: number): SoundstageError {
  const answer = `${host} answered ${status} ${STATUS_CODES[status] ?? ''}`.trimEnd();
  return downloadError(purpose, `${answer}; ${advice(status)}`);
}

function advice(status: number): string {
  if (status === 401 || status === 403) return 'give an address that needs no login, e.g. a signed one';
  if (status === 404 || status === 410) return 'check the address';
  if (status === 429 || status >= 500) return 'try again later';
  return 'give an address that leads to the file itself';
}
