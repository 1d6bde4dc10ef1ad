/** More requests are waiting than the submitter accepts. */
export class QueueFullError extends Error {
  override readonly name = 'QueueFullError';
  readonly limit: number;

  constructor(limit: number) {
    super(`more than ${limit} requests are waiting; try again later, or allow a longer queue`);
    this.limit = limit;
  }
}
