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

  constructor(options: SubmitterOptions) {
    this.#options = options;
  }

  /** Goes on until so many are accepted. */
  async submit(count: number): Promise<void> {
    const { url, webhookUrl, interval } = this.#options;
    const webhook = encodeURIComponent(webhookUrl);
    for (let number = 0; this.accepted.length < count; number++) {
      await wait(interval());
      if (number % 10 === 0) await this.#upload(`recording ${number}`);
      const reply = await attempt(`${url}/queue/${endpointId}?fal_webhook=${webhook}`, {
        method: 'POST',
        body: JSON.stringify({ ...input, prompt: `Number ${number}` }),
      });
      if (reply === undefined) continue;
      if (reply.status !== 200) throw new Error(`a submission was answered ${reply.status}: ${reply.text}`);
      this.accepted.push((JSON.parse(reply.text) as { request_id: string }).request_id);
    }
  }

  /** Asks for results while the server comes and goes; gives what was answered for each request that is over. */
  async results(signal: AbortSignal): Promise<ReadonlyMap<string, ReadonlySet<string>>> {
    const results = new Map<string, Set<string>>();
    while (!signal.aborted) {
      await wait(100);
      for (const id of this.accepted.slice(-40)) {
        const reply = await attempt(`${this.#options.url}/queue/${app}/requests/${id}`);
        if (reply === undefined) break;
        if (reply.status === 400) continue;
        results.set(id, (results.get(id) ?? new Set()).add(`${reply.status} ${reply.text}`));
      }
    }
    return results;
  }

  async #upload(content: string): Promise<void> {
    const reply = await attempt(`${this.#options.url}/cdn/files/upload`, {
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
