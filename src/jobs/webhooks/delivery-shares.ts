/** Whose delivery it is, and where to. */
export interface DeliveryParty {
  readonly owner: string;
  /** Of the URL. */
  readonly host: string;
  /** Whether it was tried before. */
  readonly isRepeat: boolean;
}

/** Deliveries at a time. Repeats leave half of the places to first attempts, and nobody gets more than half of either. */
const maxDeliveries = Object.freeze({ all: 32, repeats: 16 });
/** Of one owner to one host, so that a host that hangs leaves the owner's others alone. */
export const maxToOneHost = 4;

/**
 * Chooses which of those that wait are delivered next: each time one of the owner, and then of the host, that has the
 * fewest under way.
 *
 * @param waiting in the order in which they are to be delivered, other things being equal
 */
export function chooseDeliveries<Waiting extends DeliveryParty>(
  underWay: readonly DeliveryParty[],
  waiting: readonly Waiting[],
): readonly Waiting[] {
  const chosen: Waiting[] = [];
  for (const left = new Set(waiting); ; ) {
    const taken: readonly DeliveryParty[] = [...underWay, ...chosen];
    const [best] = [...left]
      .filter((party) => mayStart(party, taken))
      .map((party) => ({ party, ...countsOf(party, taken) }))
      .sort((one, other) => one.ofOwner - other.ofOwner || one.ofHost - other.ofHost);
    if (best === undefined) return chosen;
    chosen.push(best.party);
    left.delete(best.party);
  }
}

function mayStart(party: DeliveryParty, taken: readonly DeliveryParty[]): boolean {
  const { ofOwner, ofHost } = countsOf(party, taken);
  if (taken.length >= maxDeliveries.all || ofHost >= maxToOneHost) return false;
  if (!party.isRepeat) return ofOwner < maxDeliveries.all / 2;
  const repeats = taken.filter(({ isRepeat }) => isRepeat);
  return repeats.length < maxDeliveries.repeats && countsOf(party, repeats).ofOwner < maxDeliveries.repeats / 2;
}

function countsOf(
  { owner, host }: DeliveryParty,
  taken: readonly DeliveryParty[],
): { readonly ofOwner: number; readonly ofHost: number } {
  const own = taken.filter((other) => other.owner === owner);
  return { ofOwner: own.length, ofHost: own.filter((other) => other.host === host).length };
}
