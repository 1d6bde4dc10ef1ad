import { Agent, fetch } from 'undici';
import { z } from 'zod';
import { SoundstageError } from '../../shared/errors.ts';
import type { ApiKey, KeyManagement, NewApiKey } from './api-keys.ts';
import { withShortPath } from './control-socket.ts';

const created = z.object({ id: z.string(), secret: z.string() });
const listed = z.array(
  z.object({
    id: z.string(),
    name: z.string(),
    scope: z.enum(['API', 'ADMIN']),
    createdAt: z.coerce.date(),
    revokedAt: z.coerce.date().nullable(),
  }),
);
const revoked = z.object({ revoked: z.boolean() });

/** The keys of a running server, managed through its `serveKeyControl`. */
export class RemoteKeys implements KeyManagement {
  readonly #socketPath: string;

  constructor(socketPath: string) {
    this.#socketPath = socketPath;
  }

  async create(key: NewApiKey): Promise<{ readonly id: string; readonly secret: string }> {
    return created.parse(await this.#request('POST', '/keys', key));
  }

  async list(): Promise<readonly ApiKey[]> {
    return listed.parse(await this.#request('GET', '/keys'));
  }

  async revoke(id: string): Promise<boolean> {
    return revoked.parse(await this.#request('DELETE', `/keys/${encodeURIComponent(id)}`)).revoked;
  }

  #request(method: string, path: string, body?: unknown): Promise<unknown> {
    return withShortPath(this.#socketPath, async (socketPath) => {
      const agent = new Agent({ connect: { socketPath } });
      try {
        const options = { method, dispatcher: agent, ...(body !== undefined && { body: JSON.stringify(body) }) };
        const response = await fetch(`http://soundstage${path}`, options).catch((cause: unknown) => {
          throw new SoundstageError('device', 'the server stopped answering: run the command again', { cause });
        });
        if (response.ok) return await response.json();
        throw new SoundstageError('device', `the running server failed: ${await response.text()}`);
      } finally {
        await agent.close();
      }
    });
  }
}
