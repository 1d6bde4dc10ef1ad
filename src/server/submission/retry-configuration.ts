import { z } from 'zod';
import type { Retries } from '../../database/json-columns.ts';
import { maxRetries, usualRetries } from '../../jobs/request/retries.ts';
import { badRequest } from '../replies.ts';

const rule = z.object({ retries: z.number().int().min(0) }).optional();
const schema = z.object({ server_error: rule, timeout: rule, connection_error: rule });

/**
 * Reads `X-Fal-Retry-Config`. A crash of the engine is what the platform calls `server_error`, the end of a worker
 * `connection_error`. A `timeout` does not happen to attempts here, as they may take any time.
 *
 * @throws SoundstageError `input`, type `bad_request`
 */
export function readRetryConfiguration(text: string | undefined): Retries {
  if (text === undefined || text.trim() === '') return usualRetries;
  const parsed = schema.safeParse(parsedJson(text));
  if (!parsed.success) {
    throw badRequest(
      'x-fal-retry-config must be JSON like {"server_error":{"retries":2}}, with the keys server_error, timeout or connection_error',
      'x-fal-retry-config',
    );
  }
  const { server_error: crashes, connection_error: interruptions } = parsed.data;
  return {
    crashes: Math.min(crashes?.retries ?? usualRetries.crashes, maxRetries.crashes),
    interruptions: Math.min(interruptions?.retries ?? usualRetries.interruptions, maxRetries.interruptions),
  };
}

function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
