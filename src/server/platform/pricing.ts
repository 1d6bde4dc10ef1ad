import { z } from 'zod';
import type { Endpoints } from '../../contract/endpoint.ts';
import { cost, roundedCost } from '../../contract/price.ts';
import type { Requests } from '../../jobs/requests.ts';
import type { Caller } from '../access/authentication.ts';
import { badRequest } from '../replies.ts';

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
  { endpoints, requests }: { readonly endpoints: Endpoints; readonly requests: Pick<Requests, 'usage'> },
  { owner }: Caller,
): Promise<number> {
  const unknown = Object.keys(asked.endpoints).find((id) => !endpoints.has(id));
  if (unknown !== undefined) throw badRequest(`endpoint ${unknown} is not served here`, 'endpoints');
  const costs =
    asked.estimate_type === 'unit_price'
      ? [...endpoints.values()].map(({ id, price }) => cost(asked.endpoints[id]?.unit_quantity ?? 0, price))
      : Object.entries(asked.endpoints).map(
          async ([id, { call_quantity: calls }]) => calls * (await costOfCall(id, requests, owner)),
        );
  return roundedCost((await Promise.all(costs)).reduce((total, each) => total + each, 0));
}

/** What a call has cost so far, on the average. */
async function costOfCall(endpoint: string, requests: Pick<Requests, 'usage'>, owner: string): Promise<number> {
  const used = await requests.usage({ owner, endpoints: [endpoint], bucket: 'month' });
  const calls = used.reduce((sum, bucket) => sum + bucket.requests, 0);
  if (calls === 0) throw badRequest('there were no calls yet to learn a price from', 'estimate_type');
  return used.reduce((sum, bucket) => sum + bucket.cost, 0) / calls;
}
