import { randomBytes } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import fc from 'fast-check';
import { SeededRandom } from '../../eval/seeded-random.ts';
import { videoOutputTypes } from '../../src/media/video-settings.ts';
import { brokenBodies } from '../fuzz/broken-bodies.ts';
import { oddRequests } from '../fuzz/odd-requests.ts';
import { type Reply, send, type WrittenRequest } from '../fuzz/send.ts';
import { app, endpointId } from '../robustness/support/endpoint.ts';
import type { Ledger } from './ledger.ts';
import { badSounds, goodSounds, type OutsideWorld, receivers, willAccept } from './outside-world.ts';
import type { ServerUnderTest } from './server-under-test.ts';

export interface CallersOptions {
  readonly server: ServerUnderTest;
  readonly outside: OutsideWorld;
  readonly ledger: Ledger;
  readonly seed: number;
  /** A short recording, and a picture. */
  readonly sound: Buffer;
  readonly picture: Buffer;
}

interface Call extends Partial<WrittenRequest> {
  readonly path: string;
  /** Milliseconds after which the caller goes away. */
  readonly leavesAfter?: number | undefined;
  /** Status 500 and above may be what the request itself ended with. */
  readonly mayFail?: boolean;
  /** The connection of a stream of events breaks off where the run fails. */
  readonly mayBreakOff?: boolean;
}

interface Clip {
  readonly body: string;
  readonly fate: 'made' | 'refused';
  readonly headers: Readonly<Record<string, string>>;
  /** Its payload is kept for minutes only. */
  readonly isPrivate: boolean;
}

const callerCount = 6;
/** While so many wait no more are submitted, or the end of the run would be nothing but waiting. */
const maxUnfinished = 10;
const shareOfCancels = 0.2;
/** Milliseconds after which a reply is taken for forgotten; a clip takes less. */
const patience = 300_000;

/** Callers of every kind at the same time, until they are told to stop. */
export class Callers {
  readonly #options: CallersOptions;
  readonly #random: SeededRandom;
  readonly #brokenBodies: readonly unknown[];
  readonly #oddRequests: readonly WrittenRequest[];
  readonly #uploads = new Map<string, string>();
  #stopped = false;

  constructor(options: CallersOptions) {
    this.#options = options;
    const { seed } = options;
    this.#random = new SeededRandom(seed);
    this.#brokenBodies = fc.sample(brokenBodies(), { seed, numRuns: 300 }).map(({ given }) => given);
    const unknown = ['01a20351-8294-7390-af0b-30f4fc2d971f'];
    const known = { '{id}': unknown, '{erased}': unknown, '{file}': ['/files/b/0a/0_a.mp4'], '{upload}': ['0'] };
    this.#oddRequests = fc.sample(oddRequests({ ...known, token: ['0'], url: ['http://a/'] }), { seed, numRuns: 1000 });
  }

  /** Calls until `stop`. */
  async run(): Promise<void> {
    await Promise.all(Array.from({ length: callerCount }, () => this.#callOn()));
  }

  /** Every caller finishes what it is at. */
  stop(): void {
    this.#stopped = true;
  }

  /** Asks about every request that is not known to be over. */
  async lookAtUnfinished(): Promise<void> {
    for (const id of this.#options.ledger.unfinished) await this.#look(id);
  }

  async #callOn(): Promise<void> {
    while (!this.#stopped) {
      await wait(400 * this.#random.number());
      if (this.#options.server.life === undefined) continue;
      try {
        await this.#random.pick(this.#choices())();
      } catch (error) {
        this.#options.ledger.violation(`a caller failed: ${error instanceof Error ? error.stack : error}`);
      }
    }
  }

  #choices(): readonly (() => Promise<unknown>)[] {
    const others = [
      () => this.#look(this.#anyId()),
      () => this.#look(this.#anyId()),
      () => this.#watch(this.#anyId()),
      () => this.#cancel(),
      () => this.#upload(),
      () => this.#readUpload(),
      () => this.#refused(),
      () => this.#odd(),
      () => this.#odd(),
      () => this.#overview(),
    ];
    if (this.#options.ledger.unfinished.length >= maxUnfinished) return others;
    const submit = () => this.#submit();
    return [...others, submit, submit, submit, submit, () => this.#direct(''), () => this.#direct('/stream')];
  }

  async #submit(): Promise<void> {
    const { ledger, outside } = this.#options;
    const { body, fate, headers, isPrivate } = this.#clip();
    const receiver = this.#random.chance(0.6) ? this.#random.pick(receivers) : undefined;
    const sentAt = performance.now();
    const query = receiver === undefined ? '' : `?fal_webhook=${encodeURIComponent(outside.receiver(receiver))}`;
    const reply = await this.#call({ method: 'POST', path: `/queue/${endpointId}${query}`, headers, body });
    if (reply?.status !== 200) return this.#unexpected('a submission', reply);
    const { request_id: id } = JSON.parse(reply.text) as { readonly request_id: string };
    const expectsWebhook = receiver !== undefined && willAccept(receiver);
    ledger.accepted(id, { isDirect: false, sentAt, fate, isPrivate, expectsWebhook });
  }

  async #direct(suffix: '' | '/stream'): Promise<void> {
    const { ledger } = this.#options;
    const { body, fate, headers, isPrivate } = this.#clip();
    const leavesAfter = this.#random.chance(0.2) ? this.#random.integer(5000) : undefined;
    const sentAt = performance.now();
    const path = `/run/${endpointId}${suffix}`;
    const reply = await this.#call({
      method: 'POST',
      path,
      headers,
      body,
      leavesAfter,
      mayFail: true,
      mayBreakOff: suffix !== '',
    });
    if (reply === undefined) return;
    // It takes nothing at the moment.
    if (reply.status === 503 && reply.retryAfter !== undefined) return this.#unexpected('a direct run', reply);
    ledger.accepted(reply.requestId, { isDirect: true, sentAt, fate, isPrivate, expectsWebhook: false });
    // A server that ends says so with 503; what becomes of the request shows later.
    if (suffix === '' && reply.status !== 503) ledger.sawResult(reply.requestId, reply.status, reply.text);
  }

  #clip(): Clip {
    const [audio, fate] = this.#audio();
    const syncMode = this.#random.chance(0.15);
    const isUnlisted = this.#random.chance(0.1);
    const input = {
      prompt: `A woman speaks, number ${this.#random.integer(1000)}`,
      audio_url: audio,
      loras: [],
      video_size: { width: 64, height: 64 },
      num_frames: 9,
      match_audio_length: false,
      enable_prompt_expansion: false,
      enable_safety_checker: this.#random.chance(0.3),
      use_multiscale: this.#random.chance(0.5),
      video_output_type: this.#random.pick(videoOutputTypes),
      video_write_mode: 'fast',
      sync_mode: syncMode,
      ...(this.#random.chance(0.3) && { image_url: dataUri('image/png', this.#options.picture) }),
    };
    const headers = {
      'x-fal-queue-priority': this.#random.pick(['normal', 'low']),
      'x-fal-store-io': isUnlisted ? '0' : '1',
    };
    return { body: JSON.stringify(input), fate, headers, isPrivate: syncMode || isUnlisted };
  }

  /** Where the recording is, and what comes of it. */
  #audio(): readonly [url: string, fate: 'made' | 'refused'] {
    const { outside, sound } = this.#options;
    if (this.#random.chance(0.15)) return [outside.sound(this.#random.pick(badSounds)), 'refused'];
    const uploaded = [...this.#uploads].filter(([, path]) => path === 'sound').map(([url]) => url);
    const data = dataUri('audio/wav', sound);
    return [
      this.#random.pick([data, data, outside.sound(this.#random.pick(goodSounds)), ...uploaded.slice(-2)]),
      'made',
    ];
  }

  #anyId(): string | undefined {
    const { ids, unfinished } = this.#options.ledger;
    const candidates = this.#random.chance(0.7) && unfinished.length > 0 ? unfinished : ids;
    return candidates.length === 0 ? undefined : this.#random.pick(candidates);
  }

  /** Asks for the status of a request, and for its result. */
  async #look(id: string | undefined): Promise<void> {
    if (id === undefined) return;
    const { ledger } = this.#options;
    const path = `/queue/${app}/requests/${id}`;
    const status = await this.#call({ path: `${path}/status?logs=1` });
    if (status !== undefined) ledger.sawStatus(id, status.status, status.text);
    const result = await this.#call({ path, mayFail: true });
    if (result !== undefined) ledger.sawResult(id, result.status, result.text);
  }

  async #watch(id: string | undefined): Promise<void> {
    if (id === undefined) return;
    const kind = this.#random.pick(['status', 'progress']);
    const leavesAfter = this.#random.integer(4000);
    await this.#call({ path: `/queue/${app}/requests/${id}/${kind}/stream?logs=1`, leavesAfter });
  }

  async #cancel(): Promise<void> {
    const { ledger } = this.#options;
    const id = this.#anyId();
    // However slow the machine is, most requests are left to be made.
    const maxCancels = shareOfCancels * (ledger.counts.get('accepted') ?? 0);
    if (id === undefined || (ledger.counts.get('cancels') ?? 0) >= maxCancels) return;
    ledger.cancelled(id);
    await this.#call({ method: 'PUT', path: `/queue/${app}/requests/${id}/cancel` });
  }

  async #upload(): Promise<void> {
    const isSound = this.#random.chance(0.3);
    const body = isSound ? this.#options.sound : Buffer.from(`random ${randomBytes(20_000).toString('hex')}`);
    const headers = { 'content-type': isSound ? 'audio/wav' : 'text/plain', 'x-fal-file-name': 'a.wav' };
    const reply = await this.#call({ method: 'POST', path: '/cdn/files/upload', headers, body });
    if (reply?.status !== 200) return this.#unexpected('an upload', reply);
    const { access_url: url } = JSON.parse(reply.text) as { readonly access_url: string };
    this.#uploads.set(url, isSound ? 'sound' : body.toString());
  }

  async #readUpload(): Promise<void> {
    if (this.#uploads.size === 0) return;
    const [url, content] = this.#random.pick([...this.#uploads]);
    const reply = await this.#call({ path: new URL(url).pathname });
    if (reply === undefined) return;
    const isSame = content === 'sound' || reply.text === content;
    if (reply.status !== 200 || !isSame) this.#options.ledger.violation(`an upload is lost: ${reply.status} at ${url}`);
  }

  async #refused(): Promise<void> {
    const body = JSON.stringify(this.#random.pick(this.#brokenBodies));
    const reply = await this.#call({ method: 'POST', path: `/run/${endpointId}`, body });
    if (reply?.status === 422) this.#options.ledger.count('refused bodies');
    else this.#unexpected('a broken body', reply);
  }

  async #odd(): Promise<void> {
    const reply = await this.#call(this.#random.pick(this.#oddRequests));
    if (reply !== undefined) this.#options.ledger.count('odd requests');
  }

  async #overview(): Promise<void> {
    const history = `/v1/models/requests/by-endpoint?endpoint_id=${encodeURIComponent(endpointId)}&limit=20&expand=payloads`;
    const path = this.#random.pick([history, '/v1/models/usage', '/metrics', '/ready', '/']);
    await this.#call({ path });
  }

  #unexpected(what: string, reply: Reply | undefined): void {
    if (reply === undefined || (reply.status >= 500 && this.#options.ledger.isMachineInTrouble)) return;
    this.#options.ledger.violation(`${what} was answered ${reply.status} ${reply.text.slice(0, 300)}`);
  }

  /** The reply; undefined where the caller left, or the server went meanwhile. */
  async #call({ leavesAfter = patience, mayFail, mayBreakOff, ...call }: Call): Promise<Reply | undefined> {
    const { server, ledger } = this.#options;
    const { life } = server;
    const request = { method: 'GET', headers: {}, body: undefined, ...call };
    const name = `${request.method} ${request.path}`;
    const signal = AbortSignal.timeout(leavesAfter);
    try {
      const reply = await send(server.url, request, { signal });
      // To be not ready is an answer.
      const isAnswer = mayFail || request.path.startsWith('/ready');
      const isFailure = reply.status >= 500 && !isAnswer && !ledger.isMachineInTrouble;
      if (isFailure) ledger.violation(`${name} was answered ${reply.status} ${reply.text.slice(0, 300)}`);
      return reply;
    } catch (error) {
      if (mayBreakOff || life === undefined || server.life !== life) return undefined;
      if (signal.aborted && leavesAfter < patience) return undefined;
      // It may be going at this very moment.
      await wait(1000);
      if (server.life === life) ledger.violation(`${name} was not answered: ${error}`);
      return undefined;
    }
  }
}

function dataUri(type: string, bytes: Buffer): string {
  return `data:${type};base64,${bytes.toString('base64')}`;
}
