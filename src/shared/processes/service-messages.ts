import type { WireError } from './wire-error.ts';

/**
 * A service is a set of methods that live in a child process. Every method takes one structured-cloneable value and
 * answers with another; while it runs it may emit events, each of which the parent acknowledges (back-pressure).
 */
export type ServiceMethods = Record<string, { params: unknown; result: unknown; event: unknown }>;

export type ParentMessage =
  | { readonly type: 'call'; readonly id: number; readonly method: string; readonly params: unknown }
  | { readonly type: 'cancel'; readonly id: number }
  | { readonly type: 'acknowledge'; readonly event: number };

export type ChildMessage =
  | { readonly type: 'result'; readonly id: number; readonly value: unknown }
  | { readonly type: 'error'; readonly id: number; readonly error: WireError }
  | { readonly type: 'event'; readonly id: number; readonly event: number; readonly value: unknown };
