import { endpoint } from '../../contract/endpoint.ts';
import { roundedCost } from '../../contract/price.ts';
import type { UsageBucket } from '../../jobs/watch/history.ts';

const { unitPrice, unit, currency } = endpoint.price;

/** Usage over time and in sum, as the platform reports it. */
export function usageBody(buckets: readonly UsageBucket[], expand: readonly string[]) {
  const withKey = expand.includes('auth_method');
  const asked = expand.filter((part) => part !== 'auth_method');
  const has = (part: string): boolean => (asked.length === 0 ? part === 'time_series' : asked.includes(part));
  return {
    ...(has('time_series') && { time_series: timeSeries(buckets, withKey) }),
    ...(has('summary') && { summary: grouped(buckets, withKey) }),
    next_cursor: null,
    has_more: false,
  };
}

function timeSeries(buckets: readonly UsageBucket[], withKey: boolean) {
  const byStart = Map.groupBy(buckets, ({ start }) => start.toISOString());
  return [...byStart].map(([bucket, inside]) => ({ bucket, results: grouped(inside, withKey) }));
}

function grouped(buckets: readonly UsageBucket[], withKey: boolean) {
  const groups = Map.groupBy(buckets, ({ endpoint: id, owner }) => (withKey ? `${id} ${owner}` : id));
  return [...groups.values()].map((group) => ({
    endpoint_id: group[0]?.endpoint,
    unit,
    quantity: sum(group, 'units'),
    unit_price: unitPrice,
    cost: roundedCost(sum(group, 'cost')),
    currency,
    ...(withKey && { auth_method: group[0]?.owner }),
  }));
}

function sum(buckets: readonly UsageBucket[], field: 'units' | 'cost'): number {
  return buckets.reduce((total, bucket) => total + bucket[field], 0);
}
