import { type Kysely, sql } from 'kysely';
import type { Tables } from '../../database/tables.ts';

/** A count is used so many times longer than it took: exact for short queues, some hundred milliseconds old for long. */
const shareOfTime = 20;

/** Places in the queue, counted for all waiting requests at once and not too often. */
export class QueuePositions {
  readonly #kysely: Kysely<Tables>;
  #positions: ReadonlyMap<string, number> = new Map();
  #validUntil = 0;

  constructor(kysely: Kysely<Tables>) {
    this.#kysely = kysely;
  }

  /** How many requests are ahead of each of these; 0 for one that does not wait any more. */
  async of(ids: readonly string[]): Promise<readonly number[]> {
    const isKnown = performance.now() < this.#validUntil && ids.every((id) => this.#positions.has(id));
    if (!isKnown) await this.#count();
    return ids.map((id) => this.#positions.get(id) ?? 0);
  }

  async #count(): Promise<void> {
    const started = performance.now();
    const rows = await this.#kysely
      .selectFrom('requests')
      .select('id')
      .where('state', '=', 'IN_QUEUE')
      .orderBy('priority', 'desc')
      .orderBy(sql`coalesce(requeued_at, accepted_at)`)
      .orderBy('sequence')
      .execute();
    this.#positions = new Map(rows.map(({ id }, position) => [id, position]));
    const ended = performance.now();
    this.#validUntil = ended + shareOfTime * (ended - started);
  }
}
