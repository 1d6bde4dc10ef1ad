import { z } from 'zod';
import { endpoint } from '../../contract/endpoint.ts';
import { cost, roundedCost } from '../../contract/price.ts';
import type { Requests } from '../../jobs/requests.ts';
import type { Caller } from '../access/authentication.ts';
import { badRequest } from '../bad-request.ts';

const quantity = z.number().min(0).max(1e12);

/** What an estimate is asked with: units at list price, or calls at what calls have cost so far. */
export const estimateSchema = z.discriminatedUnion('estimate_type', [
  z.object({
    estimate_type: z.literal('unit_price'),
    endpoints: z.record(z.string(), z.object({ unit_quantity: quantity })),
  }),
  z.object({
    estimate_type: z.literal('historical_api_price'),
    endpoints: z.record(z.string(), z.object({ call_quantity: quantity })),
  }),
]);

/**
 * What that would cost, in US dollars.
 *
 * @throws SoundstageError `input`, type `bad_request`
 */
export async function estimate(
  asked: z.infer<typeof estimateSchema>,
  requests: Pick<Requests, 'usage'>,
  { owner }: Caller,
): Promise<number> {
  const [unknown] = Object.keys(asked.endpoints).filter((id) => id !== endpoint.id);
  if (unknown !== undefined) throw badRequest(`endpoint ${unknown} is not served here`, 'endpoints');
  if (asked.estimate_type === 'unit_price') return cost(asked.endpoints[endpoint.id]?.unit_quantity ?? 0);
  const used = await requests.usage({ owner, endpoint: endpoint.id, bucket: 'month' });
  const calls = used.reduce((sum, bucket) => sum + bucket.requests, 0);
  if (calls === 0) throw badRequest('there were no calls yet to learn a price from', 'estimate_type');
  const perCall = used.reduce((sum, bucket) => sum + bucket.cost, 0) / calls;
  return roundedCost(perCall * (asked.endpoints[endpoint.id]?.call_quantity ?? 0));
}
