import { atLeast, type Finding, inPercent } from '../row.ts';

/** Something that was asked for, and whether it was found. */
interface Asked {
  readonly name: string;
  readonly met: boolean;
}

/** How often what was asked for was found, for each name; some names have an aim of their own. */
export function findingsPerName(asked: readonly Asked[], aims: Readonly<Record<string, number>> = {}): Finding[] {
  return [...Map.groupBy(asked, ({ name }) => name)].map(([name, of]): Finding => {
    const what = `of these: ${name}, ${of.length} asked`;
    const aim = aims[name];
    if (aim !== undefined) return atLeast(what, shareMet(of), aim, inPercent);
    return { what, measured: inPercent(shareMet(of)), aim: '', met: undefined };
  });
}

/** Share of what was found; NaN of nothing. */
export function shareMet(asked: readonly Pick<Asked, 'met'>[]): number {
  return asked.filter(({ met }) => met).length / asked.length;
}

/** A value of each group, as "speaker 0.90 (36), shapes 0.88 (9)", in one line. */
export function perGroup<One>(
  what: string,
  all: readonly One[],
  groupOf: (one: One) => string,
  shown: (group: readonly One[]) => string,
): Finding {
  const groups = [...Map.groupBy(all, groupOf)].map(([name, of]) => `${name} ${shown(of)} (${of.length})`);
  return { what, measured: groups.join(', ') || 'none', aim: '', met: undefined };
}
