import { setTimeout as wait } from 'node:timers/promises';
import { app, endpointId, input } from './endpoint.ts';

export interface SubmitterOptions {
  readonly url: string;
  readonly webhookUrl: string;
  /** Milliseconds between two submissions. */
  readonly interval: () => number;
}

/** Submits requests and uploads files to a server that comes and goes; remembers what it was promised. */
export class PersistentSubmitter {
  /** Ids of accepted requests. */
  readonly accepted: string[] = [];
  /** Addresses of uploaded files, and what is in them. */
  readonly uploaded = new Map<string, string>();
  readonly #options: SubmitterOptions;
  readonly #results = new Map<string, string>();

  constructor(options: SubmitterOptions) {
    this.#options = options;
  }

  get url(): string {
    return this.#options.url;
  }

  /** Goes on until so many are accepted. */
  async submit(count: number): Promise<void> {
    const { webhookUrl, interval } = this.#options;
    const webhook = encodeURIComponent(webhookUrl);
    for (let number = 0; this.accepted.length < count; number++) {
      await wait(interval());
      if (number % 10 === 0) {
        await this.#upload(`recording ${number}`);
        await this.#checkResults();
      }
      const reply = await attempt(`${this.url}/queue/${endpointId}?fal_webhook=${webhook}`, {
        method: 'POST',
        body: JSON.stringify({ ...input, prompt: `Number ${number}` }),
      });
      if (reply === undefined) continue;
      if (reply.status !== 200) throw new Error(`a submission was answered ${reply.status}: ${reply.text}`);
      this.accepted.push((JSON.parse(reply.text) as { request_id: string }).request_id);
    }
  }

  /** Asks for the last results; what was answered once must be the answer for ever. */
  async #checkResults(): Promise<void> {
    for (const id of this.accepted.slice(-20)) {
      const reply = await attempt(`${this.url}/queue/${app}/requests/${id}`);
      if (reply === undefined) return;
      if (reply.status === 400) continue;
      const answer = `${reply.status} ${reply.text}`;
      const before = this.#results.get(id) ?? answer;
      if (before !== answer) throw new Error(`the result of ${id} was ${before} and is ${answer}`);
      this.#results.set(id, answer);
    }
  }

  async #upload(content: string): Promise<void> {
    const reply = await attempt(`${this.url}/cdn/files/upload`, {
      method: 'POST',
      headers: { 'content-type': 'audio/wav', 'x-fal-file-name': 'sound.wav' },
      body: content,
    });
    if (reply?.status !== 200) return;
    this.uploaded.set((JSON.parse(reply.text) as { access_url: string }).access_url, content);
  }
}

/** The whole reply; undefined when there is none, or only a part. */
async function attempt(url: string, init?: RequestInit): Promise<{ status: number; text: string } | undefined> {
  try {
    const response = await fetch(url, init);
    return { status: response.status, text: await response.text() };
  } catch {
    return undefined;
  }
}
