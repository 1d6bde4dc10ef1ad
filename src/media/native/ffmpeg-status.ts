import { AVERROR_EAGAIN, AVERROR_ENOSPC, AVERROR_EOF } from 'node-av/constants';
import { FFmpegError } from 'node-av/lib';
import { SoundstageError } from '../../shared/errors.ts';
import { systemError } from '../../shared/system-code.ts';

/** Returns `status`, FFmpeg's answer to `operation`, unless it is an error: then throws it. */
export function check(status: number, operation: string): number {
  if (status >= 0) return status;
  if (status === AVERROR_ENOSPC) {
    const message = 'The disk is full: free some space where videos are written and try again.';
    throw new SoundstageError('device', message, { cause: systemError('ENOSPC') });
  }
  throw new Error(`${operation} failed: ${FFmpegError.strerror(status)}`);
}

/** True when a codec or filter has no output to give before it gets more input, or none at all. */
export function isDrained(status: number): boolean {
  return status === AVERROR_EAGAIN || status === AVERROR_EOF;
}
