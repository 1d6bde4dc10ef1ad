/** As much of the load generator as the benchmark uses; it comes without types. */
declare module 'autocannon' {
  export interface LoadRequest {
    readonly method: string;
    readonly path: string;
    readonly body?: string | undefined;
  }

  export interface LoadOptions {
    readonly url: string;
    readonly connections: number;
    /** Seconds. */
    readonly duration: number;
    readonly headers?: Readonly<Record<string, string>>;
    readonly setupClient?: (client: { setRequests(requests: readonly LoadRequest[]): void }) => void;
  }

  export interface LoadResult {
    readonly requests: { readonly average: number };
    /** Milliseconds. */
    readonly latency: { readonly p50: number; readonly p99: number };
    readonly errors: number;
    readonly non2xx: number;
  }

  export default function autocannon(options: LoadOptions): Promise<LoadResult>;
}
