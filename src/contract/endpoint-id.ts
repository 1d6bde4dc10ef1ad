/** The first two segments of an endpoint's id, under which the queue keeps its requests: `fal-ai/ltx-2-19b`. */
export function appOf(id: string): string {
  return id.split('/').slice(0, 2).join('/');
}
