import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { writeBlackPng } from '../../../test/support/media/hostile-files.ts';
import { copyCheckpoint } from '../../../test/support/parity-checkpoint.ts';
import { MediaService } from '../../media/media-service.ts';
import { resolveWeights } from '../../models/resolve-weights.ts';
import { SoundstageError, type SoundstageErrorOptions } from '../../shared/errors.ts';
import { audioToVideoLora as endpoint } from '../endpoints/audio-to-video-lora.ts';
import { modelErrorTypes, requestErrorTypes } from './error-types.ts';
import { errorHeaders, errorReply, requestError, validationReply } from './errors.ts';

let folder: string;
const at = (name: string): string => join(folder, name);
const media = new MediaService();

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'soundstage-errors-'));
  await writeFile(at('text'), 'This is neither a sound nor a picture.\n'.repeat(50));
  await writeFile(at('empty'), '');
  await writeFile(at('phone.heic'), '\0\0\0\x18ftypheic\0\0\0\0mif1heic');
  await writeBlackPng(at('huge.png'), 20_000, 20_000);
});
afterAll(async () => {
  await media[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
});

async function replyTo(work: Promise<unknown>, input?: unknown) {
  const error = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  return errorReply(error, { endpoint, input });
}

function detailOf({ body }: ReturnType<typeof errorReply>) {
  if (typeof body.detail === 'string') throw new Error('expected a list');
  return body.detail[0];
}

test.each([
  ['audio', 'text', 'audio_url', 'unsupported_audio_format'],
  ['audio', 'empty', 'audio_url', 'unsupported_audio_format'],
  ['image', 'text', 'image_url', 'image_load_error'],
  ['end_image', 'empty', 'end_image_url', 'image_load_error'],
  ['image', 'phone.heic', 'image_url', 'unsupported_image_format'],
  ['end_image', 'huge.png', 'end_image_url', 'image_too_large'],
])('141 142 what the decoder says of %s %s is reported at %s as %s', async (field, file, location, type) => {
  const output = at('decoded');
  const decoded =
    field === 'audio'
      ? media.decodeSound(at(file), { field, output, maxSeconds: 10 })
      : media.decodeImage(at(file), { field, output });
  const reply = await replyTo(decoded, { [location]: 'https://example.com/x' });
  expect(reply).toMatchObject({ status: 422, type, headers: { 'X-Fal-Needs-Retry': '0', 'X-Fal-Retryable': 'false' } });
  const names: readonly string[] = modelErrorTypes[type as keyof typeof modelErrorTypes].ctx;
  const detail = detailOf(reply);
  expect(detail).toMatchObject({ loc: ['body', location], type, input: 'https://example.com/x' });
  expect(detail?.url).toBe(`https://docs.fal.ai/errors/#${type}`);
  for (const name of names) expect(detail?.ctx?.[name]).toBeDefined();
  expect(JSON.stringify(reply)).not.toContain(folder);
});

test('a camera move the weights do not have is the fault of the field', async () => {
  await copyCheckpoint(at('weights'));
  const reply = await replyTo(resolveWeights(at('weights'), { cameras: ['jib_up'] }), { camera_lora: 'jib_up' });
  expect(reply.status).toBe(422);
  expect(detailOf(reply)).toMatchObject({
    loc: ['body', 'camera_lora'],
    type: 'feature_not_supported',
    input: 'jib_up',
  });
});

const input = { prompt: 'p', loras: [{ path: 'a/b' }, { path: 'c/d' }], video_size: { width: 64 } };

test.each<[name: string, error: SoundstageError, loc: readonly (string | number)[], type: string]>([
  ['a LoRA that does not fit', fault('input', 'loras.1.path'), ['loras', 1, 'path'], 'value_error'],
  ['LoRAs as a whole', fault('input', 'loras'), ['loras'], 'value_error'],
  ['a LoRA of a repository', fault('network', 'loras.0.path'), ['loras', 0, 'path'], 'file_download_error'],
  ['a given type', fault('input', 'audio', { type: 'file_too_large' }), ['audio_url'], 'file_too_large'],
  ['no field, a type', fault('input', undefined, { type: 'content_policy_violation' }), [], 'content_policy_violation'],
  ['a side', fault('input', 'video_size.width'), ['video_size', 'width'], 'value_error'],
])('%s', (_, error, path, type) => {
  const reply = errorReply(error, { endpoint, input });
  expect(reply.status).toBe(422);
  expect(detailOf(reply)).toMatchObject({ loc: ['body', ...path], type });
});

test.each<[name: string, error: unknown]>([
  ['a bug', new TypeError('/srv/secret/file.ts: x is not a function')],
  ['nothing', undefined],
  ['a crash', fault('crash', undefined)],
  ['a crash at a field', fault('crash', 'audio')],
  ['weights', fault('weights', 'model')],
  ['a device', fault('device', 'device')],
  ['a fault of the operator', fault('input', 'output')],
  ['a fault of nobody', fault('input', undefined)],
  ['a field of the prototype', fault('input', '__proto__')],
  ['a field that every object inherits', fault('input', 'constructor.name')],
])('%s gives nothing of the server away', (_, error) => {
  const reply = errorReply(error, { endpoint, input });
  expect(reply.status).toBe(500);
  expect(detailOf(reply)).toEqual({
    loc: ['body'],
    msg: 'Internal Server Error',
    type: 'internal_server_error',
    url: 'https://docs.fal.ai/errors/#internal_server_error',
  });
});

test('too little memory says what to change', () => {
  for (const words of [
    'CUDA error: out of memory',
    'a network failed to run: the GPU is out of memory: ask for a smaller or shorter clip',
    'std::bad_alloc',
    'Failed to allocate memory for requested buffer',
  ]) {
    const reply = errorReply(new SoundstageError('device', `a network failed to run: ${words}`));
    expect(reply.status).toBe(500);
    expect(reply.message).toMatch(/smaller video_size or fewer num_frames/);
  }
});

test('cancelling, and errors of the platform around the model', () => {
  expect(errorReply(new SoundstageError('cancelled', 'cancelled'))).toMatchObject({
    status: 499,
    body: { error_type: 'client_cancelled' },
    headers: { 'X-Fal-Error-Type': 'client_cancelled', 'X-Fal-Needs-Retry': '0' },
  });
  expect(errorReply(fault('input', 'X-Fal-Tags', { type: 'bad_request' }))).toMatchObject({
    status: 400,
    body: { detail: 'what is wrong', error_type: 'bad_request' },
  });
  expect(requestError('request_timeout', 'too late')).toEqual({
    status: 504,
    body: { detail: 'too late', error_type: 'request_timeout' },
    headers: {
      'X-Fal-Error-Type': 'request_timeout',
      'X-Fal-Request-Timeout-Type': 'user',
      'X-Fal-Needs-Retry': '1',
      'X-Fal-Retryable': 'true',
    },
    type: 'request_timeout',
    message: 'too late',
  });
  expect(requestError('concurrent_requests_limit', 'x')).toMatchObject({
    status: 429,
    headers: { 'X-Fal-Needs-Retry': '1' },
  });
  for (const [type, { status }] of Object.entries(requestErrorTypes)) {
    expect(requestError(type as keyof typeof requestErrorTypes, 'x').status).toBe(status);
  }
});

test('all problems of a request are in one reply', () => {
  const validation = endpoint.validate({ prompt: 5 });
  if (validation.ok) throw new Error('expected problems');
  const reply = validationReply(validation.problems);
  expect(reply).toMatchObject({ status: 422, type: 'string_type', headers: { 'X-Fal-Retryable': 'false' } });
  expect(reply.body.detail).toHaveLength(3);
  expect(reply.message).toBe('body.prompt: Input should be a valid string');
});

test('headers can be made again from a stored body', () => {
  const timeout = requestError('request_timeout', 'x');
  const crash = errorReply(undefined);
  for (const { status, body, headers } of [timeout, crash]) {
    expect(errorHeaders(status, JSON.parse(JSON.stringify(body)))).toEqual(headers);
  }
  expect(errorHeaders(200, { video: {} })).toEqual({});
  for (const body of [null, 'text', {}, { detail: 'text' }, { detail: [null, 5] }]) {
    expect(errorHeaders(500, body)['X-Fal-Needs-Retry'] ?? '0').toBe('0');
  }
});

test('a message made of hostile names stays short and can be stored', () => {
  const { message } = errorReply(
    new SoundstageError('input', `\0\ud800${'/x y'.repeat(1e6)}`, { field: 'loras.0.path' }),
  );
  expect(message.length).toBeLessThan(1100);
  expect(message.isWellFormed()).toBe(true);
  expect(message).not.toContain('\0');
});

function fault(
  kind: SoundstageError['kind'],
  field: string | undefined,
  options: SoundstageErrorOptions = {},
): SoundstageError {
  return new SoundstageError(kind, 'what is wrong', { field, ...options });
}
