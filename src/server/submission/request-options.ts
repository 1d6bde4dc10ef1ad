import type { Lifecycle, Retries } from '../../database/json-columns.ts';
import { parseLifecycle } from '../../files/lifecycle.ts';
import { noRetries } from '../../jobs/request/retries.ts';
import type { Submission } from '../../jobs/request/submission.ts';
import { trimInvisible } from '../../shared/trim.ts';
import { badRequest } from '../replies.ts';
import { readRetryConfiguration } from './retry-configuration.ts';
import { readTags } from './tags.ts';

/** What request headers and query ask for, besides the input. */
export interface RequestOptions
  extends Pick<Submission, 'priority' | 'startTimeout' | 'webhook' | 'maxQueueLength' | 'storePayloads'> {
  readonly lifecycle: Lifecycle | undefined;
  readonly retries: Retries;
  readonly tags: Readonly<Record<string, string>>;
}

type Lookup = (name: string) => string | undefined;

/** A longer wait is as good as none, and dates have an end. */
const maxStartTimeout = 365 * 86_400;
/** The platform's documentation: a start timeout must be larger. */
const startTimeoutFloor = 0.1;

/**
 * Reads the options of a direct run.
 *
 * @throws SoundstageError `input`, type `bad_request`
 */
export function readRunOptions(header: Lookup): RequestOptions {
  return {
    priority: 'normal',
    startTimeout: readStartTimeout(header),
    webhook: undefined,
    maxQueueLength: undefined,
    storePayloads: !isFalse(header('x-fal-store-io')),
    lifecycle: readLifecycle(header),
    retries: noRetries,
    tags: readTags(header('x-fal-tags')),
  };
}

/**
 * Reads the options of a submission to the queue.
 *
 * @throws SoundstageError `input`, type `bad_request`
 */
export function readQueueOptions(header: Lookup, query: Lookup): RequestOptions {
  const retries = readRetryConfiguration(header('x-fal-retry-config'));
  return {
    ...readRunOptions(header),
    priority: header('x-fal-queue-priority')?.trim().toLowerCase() === 'low' ? 'low' : 'normal',
    webhook: readWebhook(query('fal_webhook')),
    maxQueueLength: readMaxQueueLength(query('fal_max_queue_length')),
    retries: isTrue(header('x-fal-no-retry')) ? noRetries : retries,
  };
}

function readStartTimeout(header: Lookup): number | undefined {
  for (const name of ['x-fal-request-start-timeout', 'x-fal-request-timeout']) {
    const text = header(name)?.trim();
    if (text === undefined || text === '') continue;
    const value = /^\+?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i.test(text) ? Number(text) : Number.NaN;
    if (!(value > startTimeoutFloor)) {
      throw badRequest(`${name} must be a number of seconds above ${startTimeoutFloor}`, name);
    }
    return Math.min(value, maxStartTimeout);
  }
  return undefined;
}

function readWebhook(given = ''): string | undefined {
  const text = trimInvisible(given);
  if (text === '') return undefined;
  const url = URL.parse(text);
  if (url === null || !['http:', 'https:'].includes(url.protocol) || text.length > 8192) {
    throw badRequest('fal_webhook must be an http or https URL', 'fal_webhook');
  }
  return text;
}

function readMaxQueueLength(text: string | undefined): number | undefined {
  if (text === undefined || text === '') return undefined;
  if (!/^\d{1,9}$/.test(text)) {
    throw badRequest('fal_max_queue_length must be a whole number, 0 or more', 'fal_max_queue_length');
  }
  return Number(text);
}

function readLifecycle(header: Lookup): Lifecycle | undefined {
  const text = header('x-fal-object-lifecycle-preference') ?? header('x-fal-object-lifecycle');
  return text === undefined || text.trim() === '' ? undefined : parseLifecycle(text);
}

function isTrue(text: string | undefined): boolean {
  return ['1', 'true', 'yes'].includes(text?.trim().toLowerCase() ?? '');
}

function isFalse(text: string | undefined): boolean {
  return ['0', 'false', 'no'].includes(text?.trim().toLowerCase() ?? '');
}
