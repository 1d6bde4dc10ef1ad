import type { Graph } from '../graph.ts';
import type { GraphPieces } from '../runtime/segmented-session.ts';

/** How much of a network's weights is in the device's memory at a time. A part of the network is never divided. */
export interface Residency {
  /** Bytes that stay there between runs. */
  readonly keptBytes: number;
  /** Bytes that are brought there at a time, one after the other, for the rest. */
  readonly streamedBytes: number;
}

/** A graph cut as a residency says, or whole without one. */
export function residentPieces(graph: Graph, residency?: Residency): GraphPieces {
  if (residency === undefined) return { kept: graph.build(), streamed: [] };
  const { kept, streamed } = divideParts(graph.partWeights(), residency);
  const models = graph.buildSegments(kept === 0 ? streamed : [kept, ...streamed]);
  return kept === 0 ? { kept: undefined, streamed: models } : { kept: models[0], streamed: models.slice(1) };
}

/**
 * How many parts stay, and how many each of the other pieces has. A part larger than what may be brought in at a time is a piece
 * by itself.
 *
 * @param bytes of the parts
 */
export function divideParts(
  bytes: readonly number[],
  { keptBytes, streamedBytes }: Residency,
): { readonly kept: number; readonly streamed: readonly number[] } {
  const fitting = (from: number, limit: number): number => {
    let sum = 0;
    const end = bytes.findIndex((part, index) => {
      if (index >= from) sum += part;
      return sum > limit;
    });
    return (end === -1 ? bytes.length : end) - from;
  };
  const kept = fitting(0, keptBytes);
  const streamed: number[] = [];
  for (let from = kept; from < bytes.length; from += streamed.at(-1) ?? 0) {
    streamed.push(Math.max(1, fitting(from, streamedBytes)));
  }
  return { kept, streamed };
}
