import { type ReadonlySignal, signal } from '@preact/signals';

/** How it stands with what a field sends. */
export type Delivery =
  /** The request names this URL. */
  | { readonly state: 'ready'; readonly url: string }
  /** On its way. */
  | { readonly state: 'pending'; readonly activity: string }
  /** Nothing to send yet; `problem` says what has to be done first. */
  | { readonly state: 'absent'; readonly problem: string }
  | { readonly state: 'failed'; readonly problem: string };

/** What a field that names a file holds. What is shown of it and what is sent come from this one object. */
export interface FileInput {
  readonly delivery: ReadonlySignal<Delivery>;
  /** Begins what has not begun or has failed. Resolves when it is no longer pending. */
  deliver(): Promise<void>;
  /** Lets go of what it holds; called when something else takes its place. */
  release(): void;
}

/** A URL as it was typed in, or as a clip came with it. */
export class Address implements FileInput {
  /** As it was typed. */
  readonly text: string;
  readonly delivery: ReadonlySignal<Delivery>;

  constructor(text: string) {
    this.text = text;
    this.delivery = signal<Delivery>({ state: 'ready', url: text.trim() });
  }

  async deliver(): Promise<void> {}

  release(): void {}
}
