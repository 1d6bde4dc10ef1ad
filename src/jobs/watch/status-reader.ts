import { setImmediate } from 'node:timers/promises';
import type { Kysely } from 'kysely';
import type { Tables } from '../../database/tables.ts';
import { type RequestStatus, readStatuses } from '../request/request-status.ts';
import { QueuePositions } from './queue-positions.ts';

const maxBatch = 500;

interface Reading {
  readonly id: string;
  resolve(status: RequestStatus | undefined): void;
  reject(error: unknown): void;
}

/** Reads the status of requests; calls that come while others are being read are read together after that. */
export class StatusReader {
  readonly #kysely: Kysely<Tables>;
  readonly #positions: QueuePositions;
  #waiting: Reading[] = [];
  #reading = false;

  constructor(kysely: Kysely<Tables>) {
    this.#kysely = kysely;
    this.#positions = new QueuePositions(kysely);
  }

  read(id: string): Promise<RequestStatus | undefined> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ id, resolve, reject });
      if (!this.#reading) void this.#readWaiting();
    });
  }

  async #readWaiting(): Promise<void> {
    this.#reading = true;
    while (this.#waiting.length > 0) {
      // The embedded database does its work without letting others have a turn: first whoever has arrived comes in.
      await setImmediate();
      const together = this.#waiting.splice(0, maxBatch);
      try {
        const statuses = await this.#statuses([...new Set(together.map(({ id }) => id))]);
        for (const { id, resolve } of together) resolve(statuses.get(id));
      } catch (error) {
        for (const { reject } of together) reject(error);
      }
    }
    this.#reading = false;
  }

  async #statuses(ids: readonly string[]): Promise<ReadonlyMap<string, RequestStatus>> {
    const statuses = await readStatuses(this.#kysely, ids);
    const waiting = statuses.filter(({ state }) => state === 'IN_QUEUE').map(({ id }) => id);
    const positions = waiting.length === 0 ? [] : await this.#positions.of(waiting);
    const positionOf = new Map(waiting.map((id, index) => [id, positions[index]]));
    return new Map(statuses.map((status) => [status.id, { ...status, queuePosition: positionOf.get(status.id) }]));
  }
}
