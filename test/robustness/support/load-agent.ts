import { Agent, request } from 'node:http';

export interface LoadReply {
  readonly status: number;
  readonly body: string;
}

/** Asks over a fixed number of connections that stay open. Dispose to close them. */
export class LoadAgent implements Disposable {
  readonly #agent: Agent;

  constructor(connections: number) {
    this.#agent = new Agent({ keepAlive: true, maxSockets: connections });
  }

  ask(url: string, method = 'GET', body?: string): Promise<LoadReply> {
    return new Promise((resolve, reject) => {
      const sent = request(url, { method, agent: this.#agent }, (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (piece: string) => {
          text += piece;
        });
        response.on('end', () => resolve({ status: response.statusCode ?? 0, body: text }));
        response.on('error', reject);
      });
      sent.on('error', reject);
      sent.end(body);
    });
  }

  [Symbol.dispose](): void {
    this.#agent.destroy();
  }
}
