const GB = 1e9;

/** Bytes that sets of weights take on a GPU, the largest first: the transformer stays, and a new prompt opens the text encoder beside it. */
const needs = [
  { id: 'ltx-2-19b-distilled', bytes: (37.8 + 23.5 + 4.8) * GB },
  { id: 'ltx-2-19b-distilled-fp8', bytes: (21.5 + 23.5 + 5.4) * GB },
] as const;

/**
 * Which of the 19B weights a GPU can hold, computed from the sizes of the files and the largest activations.
 *
 * @param memory bytes
 */
export function fitOf(memory: number): string {
  const fitting = needs.filter(({ bytes }) => bytes <= memory).map(({ id }) => id);
  return fitting.length === 0 ? 'too small for the 19B weights' : `room for ${fitting.join(' and ')}`;
}
