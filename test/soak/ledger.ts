import { createHash } from 'node:crypto';

/** What is killed or ended; the engine's death is nothing to a request of the queue until it is the third. */
export type Victim = 'engine' | 'decode' | 'encode' | 'safety' | 'server';

export interface Expected {
  /** A direct run, which is not tried again. */
  readonly isDirect: boolean;
  /** When it was sent, by `performance.now()`. */
  readonly sentAt: number;
  /** How it ends unless it is cancelled, or a process that it needs is killed. */
  readonly fate: 'made' | 'refused';
  /** Its payload is kept for minutes only. */
  readonly isPrivate: boolean;
  /** Its webhook is accepted, sooner or later. */
  readonly expectsWebhook: boolean;
}

interface Entry extends Expected {
  readonly id: string;
  wasCancelled: boolean;
  /** Status and hash of the reply, once it is over; `erased` where that was not kept until anybody asked. */
  result?: { readonly status: number; readonly hash: string } | 'erased';
}

const crashesTooMany = 3;
/** Of the server: the second may be the end of a request that was under way both times. */
const deathsTooMany = 2;

/** What the server has promised, and whether it keeps it. */
export class Ledger {
  /** How often something happened. */
  readonly counts = new Map<string, number>();
  readonly #report: (violation: string) => void;
  #violations = 0;
  readonly #entries = new Map<string, Entry>();
  /** Whether the disk is full, or was a moment ago: nothing new needs to be accepted. */
  isMachineInTrouble = false;
  readonly #kills: { readonly victim: Victim; readonly at: number }[] = [];

  /** `report` is told of everything that must not happen, when it happens. */
  constructor(report: (violation: string) => void) {
    this.#report = report;
  }

  count(what: string): void {
    this.counts.set(what, (this.counts.get(what) ?? 0) + 1);
  }

  get violations(): number {
    return this.#violations;
  }

  violation(what: string): void {
    this.#violations += 1;
    this.#report(what);
  }

  accepted(id: string, expected: Expected): void {
    if (this.#entries.has(id)) this.violation(`request ${id} was accepted twice`);
    this.#entries.set(id, { id, ...expected, wasCancelled: false });
    this.count('accepted');
  }

  cancelled(id: string): void {
    const entry = this.#entries.get(id);
    if (entry !== undefined) entry.wasCancelled = true;
    this.count('cancels');
  }

  killed(victim: Victim): void {
    this.#kills.push({ victim, at: performance.now() });
    this.count(`ends of ${victim}`);
  }

  get unfinished(): readonly string[] {
    return [...this.#entries.values()].filter(({ result }) => result === undefined).map(({ id }) => id);
  }

  /** Status of the result, by id, where that is known. */
  get results(): ReadonlyMap<string, number> {
    const known = [...this.#entries.values()].flatMap(({ id, result }): [string, number][] =>
      result === undefined || result === 'erased' ? [] : [[id, result.status]],
    );
    return new Map(known);
  }

  /** Whether its webhook says the same however late it is delivered. */
  isKept(id: string): boolean {
    return this.#entries.get(id)?.isPrivate === false;
  }

  /** Ids of those whose webhook has to arrive. */
  get awaited(): readonly string[] {
    return [...this.#entries.values()].filter(({ expectsWebhook }) => expectsWebhook).map(({ id }) => id);
  }

  get ids(): readonly string[] {
    return [...this.#entries.keys()];
  }

  /** What a status call said about a request. */
  sawStatus(id: string, status: number, text: string): void {
    const entry = this.#entries.get(id);
    if (entry === undefined) return;
    if (status === 404) {
      this.violation(`request ${id} is lost: its status is ${text}`);
      return;
    }
    const { status: state } = JSON.parse(text) as { readonly status: string };
    if ((status === 200) !== (state === 'COMPLETED')) this.violation(`the status of ${id} is ${status} with ${state}`);
    if (entry.result !== undefined && state !== 'COMPLETED') this.violation(`request ${id} was over and is ${state}`);
  }

  /** What a result call said; the reply to a direct run is one. */
  sawResult(id: string, status: number, text: string): void {
    const entry = this.#entries.get(id);
    if (entry === undefined) return;
    if (status === 400 && text.includes('still in progress')) {
      if (entry.result !== undefined) this.violation(`request ${id} was over and is in progress`);
      return;
    }
    if (status === 404) {
      if (!entry.isPrivate || !text.includes('not kept')) this.violation(`the result of ${id} is lost: ${text}`);
      entry.result ??= 'erased';
      return;
    }
    const hash = createHash('sha256').update(text).digest('hex');
    if (entry.result === undefined) this.#ended(entry, status, hash, text);
    else if (entry.result === 'erased') this.violation(`the result of ${id} was erased and is there again`);
    else if (entry.result.status !== status || entry.result.hash !== hash) {
      this.violation(
        `the result of ${id} was ${entry.result.status} and is another one: ${status} ${text.slice(0, 300)}`,
      );
    }
  }

  #ended(entry: Entry, status: number, hash: string, text: string): void {
    entry.result = { status, hash };
    this.count(`ended with ${status}`);
    if (status === (entry.fate === 'made' ? 200 : 422)) return;
    if (status === 499 && entry.wasCancelled) return;
    if (this.#isByKill(entry, status)) this.count('requests ended by a kill');
    else this.violation(`request ${entry.id} should be ${entry.fate} and ended with ${status} ${text.slice(0, 300)}`);
  }

  /** Whether what was killed since it was sent explains how a request ended. */
  #isByKill({ isDirect, sentAt }: Entry, status: number): boolean {
    const since = this.#kills.filter(({ at }) => at > sentAt);
    const count = (victim: Victim): number => since.filter((kill) => kill.victim === victim).length;
    // Nobody waits any more for the reply of a direct run.
    if (isDirect && count('server') > 0) return true;
    if (status === 499) return false;
    // A file that a child dies of is its request's fault.
    if (count('decode') + count('encode') + count('safety') > 0) return true;
    return count('engine') >= (isDirect ? 1 : crashesTooMany) || count('server') >= deathsTooMany;
  }
}
