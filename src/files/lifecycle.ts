export type AccessDecision = 'allow' | 'forbid' | 'hide';

/** Lifetime and access of a file (`X-Fal-Object-Lifecycle`). */
export interface Lifecycle {
  /** Seconds; null or absent: the server's default. */
  readonly expiration_duration_seconds?: number | null | undefined;
  readonly initial_acl?:
    | {
        readonly default: AccessDecision;
        readonly rules?: readonly { readonly user: string; readonly decision: AccessDecision }[] | undefined;
      }
    | undefined;
}
