import type { Endpoint } from '../../contract/endpoint.ts';
import { currency, roundedCost } from '../../contract/price.ts';
import type { UsageBucket } from '../../jobs/watch/history.ts';

type Usage = Omit<UsageBucket, 'endpoint'> & { readonly endpoint: Endpoint };

/** Usage of these endpoints over time and in sum, as the platform reports it. */
export function usageBody(buckets: readonly UsageBucket[], endpoints: readonly Endpoint[], expand: readonly string[]) {
  const usages = buckets.flatMap((bucket): Usage[] => {
    const endpoint = endpoints.find(({ id }) => id === bucket.endpoint);
    return endpoint === undefined ? [] : [{ ...bucket, endpoint }];
  });
  const withKey = expand.includes('auth_method');
  const asked = expand.filter((part) => part !== 'auth_method');
  const has = (part: string): boolean => (asked.length === 0 ? part === 'time_series' : asked.includes(part));
  return {
    ...(has('time_series') && { time_series: timeSeries(usages, withKey) }),
    ...(has('summary') && { summary: grouped(usages, withKey) }),
    next_cursor: null,
    has_more: false,
  };
}

function timeSeries(usages: readonly Usage[], withKey: boolean) {
  const byStart = Map.groupBy(usages, ({ start }) => start.toISOString());
  return [...byStart].map(([bucket, inside]) => ({ bucket, results: grouped(inside, withKey) }));
}

function grouped(usages: readonly Usage[], withKey: boolean) {
  const groups = Map.groupBy(usages, ({ endpoint, owner }) => (withKey ? `${endpoint.id} ${owner}` : endpoint.id));
  return [...groups.values()].map((group) => ({
    endpoint_id: group[0]?.endpoint.id,
    unit: group[0]?.endpoint.price.unit,
    quantity: sum(group, 'units'),
    unit_price: group[0]?.endpoint.price.unitPrice,
    cost: roundedCost(sum(group, 'cost')),
    currency,
    ...(withKey && { auth_method: group[0]?.owner }),
  }));
}

function sum(usages: readonly Usage[], field: 'units' | 'cost'): number {
  return usages.reduce((total, usage) => total + usage[field], 0);
}
