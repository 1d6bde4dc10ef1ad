import { expect, test } from 'vitest';
import { chooseDeliveries, type DeliveryParty } from './delivery-shares.ts';

function many(count: number, party: Partial<DeliveryParty> = {}): DeliveryParty[] {
  return Array.from({ length: count }, () => ({ owner: 'one', host: 'a', isRepeat: false, ...party }));
}

test('a host that hangs has a few places, and so has an owner with many such hosts', () => {
  expect(chooseDeliveries([], many(100))).toHaveLength(4);
  const hanging = Array.from({ length: 100 }, (_, index) => many(4, { host: `host ${index}` })).flat();
  const underWay = chooseDeliveries([], hanging);
  expect(underWay).toHaveLength(16);
  expect(chooseDeliveries(underWay, many(3, { owner: 'two' }))).toHaveLength(3);
});

test('repeats leave places to first attempts', () => {
  const owners = Array.from({ length: 50 }, (_, index) => ({ owner: `owner ${index}`, isRepeat: true }));
  const underWay = chooseDeliveries(
    [],
    owners.flatMap((party) => many(4, party)),
  );
  expect(underWay).toHaveLength(16);
  expect(chooseDeliveries(underWay, many(3, { owner: 'owner 7', host: 'b' }))).toHaveLength(3);
  // One owner's repeats leave places to the repeats of others.
  const own = Array.from({ length: 9 }, (_, index) => many(4, { host: `host ${index}`, isRepeat: true })).flat();
  expect(chooseDeliveries([], own)).toHaveLength(8);
});

test('whoever has the fewest under way comes first, whatever waits before', () => {
  const greedy = Array.from({ length: 30 }, (_, index) => many(1, { host: `host ${index}` })).flat();
  const others = ['two', 'three', 'four'].flatMap((owner) => many(2, { owner, host: 'a' }));
  const chosen = chooseDeliveries(greedy.slice(0, 14), [...greedy.slice(14), ...others]);
  expect(
    chosen
      .slice(0, 6)
      .map(({ owner }) => owner)
      .sort(),
  ).toEqual(['four', 'four', 'three', 'three', 'two', 'two']);
});
