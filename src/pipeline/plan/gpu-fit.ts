/** Bytes of free memory with which all blocks of the 19B weights stay on a GPU for a clip of 1024×768 and 121 frames, as the memory plan has it. */
export const wholeBytes = { 'ltx-2-19b-distilled': 40.8e9, 'ltx-2-19b-distilled-fp8': 24.6e9 } as const;

/** Bytes of free memory with which such a clip can be made at all. */
export const leastBytes = 7.62e9;

/**
 * What a GPU can do with the 19B weights.
 *
 * @param memory bytes that are free
 */
export function fitOf(memory: number): string {
  if (memory < leastBytes) return 'too small for the 19B weights';
  const held = Object.entries(wholeBytes).flatMap(([id, bytes]) => (bytes <= memory ? [id] : []));
  const others = Object.keys(wholeBytes).filter((id) => !held.includes(id));
  const parts = [
    ...(held.length > 0 ? [`holds ${held.join(' and ')}`] : []),
    ...(others.length > 0 ? [`the weights of ${others.join(' and ')} come and go`] : []),
  ];
  return parts.join('; ');
}
