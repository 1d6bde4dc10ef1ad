import { z } from 'zod';
import { badRequest } from './bad-request.ts';

const rule = z.object({ retries: z.number().int().min(0) }).optional();
const schema = z.object({ server_error: rule, timeout: rule, connection_error: rule });

/**
 * Reads `X-Fal-Retry-Config`. What is retried here is a crash of the engine, which is the platform's `server_error`.
 *
 * @returns whether a crash may be retried
 * @throws SoundstageError `input`, type `bad_request`
 */
export function readRetryConfiguration(text: string | undefined): boolean {
  if (text === undefined || text.trim() === '') return true;
  const parsed = schema.safeParse(parsedJson(text));
  if (!parsed.success) {
    throw badRequest(
      'x-fal-retry-config must be JSON like {"server_error":{"retries":2}}, with the keys server_error, timeout or connection_error',
      'x-fal-retry-config',
    );
  }
  return parsed.data.server_error?.retries !== 0;
}

function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
