// What the JSON columns of the tables hold.

/** `forbid`: told that it may not be read. `hide`: told that it does not exist. */
export type AccessDecision = 'allow' | 'forbid' | 'hide';

/** A decision about one user, by the id of their key. */
export interface AccessRule {
  readonly user: string;
  readonly decision: AccessDecision;
}

/** Lifetime and access of a file (`X-Fal-Object-Lifecycle`). */
export interface Lifecycle {
  /** Seconds; null or absent: the server's default. */
  readonly expiration_duration_seconds?: number | null | undefined;
  readonly initial_acl?:
    | { readonly default: AccessDecision; readonly rules?: readonly AccessRule[] | undefined }
    | undefined;
}

/** How often a request is tried again. */
export interface Retries {
  /** After crashes of the engine. */
  readonly crashes: number;
  /** After processes that died while they made it. */
  readonly interruptions: number;
}

/** What a caller asked for, besides the input. */
export interface CallerOptions {
  /** Base of file URLs in webhooks, where no later request tells how the caller reaches us, e.g. `https://host/cdn`. */
  readonly fileBase: string;
  /** Hosts (with port) under which the caller knows this server, so that its own file URLs are read from the store. */
  readonly ownHosts: readonly string[];
  /** Lifetime and access of the produced file (`X-Fal-Object-Lifecycle-Preference`). */
  readonly lifecycle?: Lifecycle | undefined;
  /** Labels for the usage report. */
  readonly tags: Readonly<Record<string, string>>;
  /** `X-Fal-Retry-Config`, `X-Fal-No-Retry`; of no account for direct runs, which are never retried. */
  readonly retries: Retries;
}

/** How far a clip is. */
export interface ClipProgress {
  readonly phase: string;
  /** Steps or tiles done in this phase, of `steps`. */
  readonly step: number;
  readonly steps: number;
  /** Of the whole clip, 0…1. */
  readonly fraction: number;
  /** Since the engine took the plan. */
  readonly seconds: number;
}

/** A look at the clip as the newest step sees it: frames below each other in one picture. */
export interface PreviewSheet {
  /** Data URI of a WebP picture, `width` × `height·frames`. */
  readonly image: string;
  readonly frames: number;
  readonly width: number;
  readonly height: number;
  /** Of the phase under way. */
  readonly step: number;
}
