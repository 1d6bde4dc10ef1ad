/**
 * One axis length of a tensor: a number, or a polynomial with integer coefficients over named sizes that are only
 * known when a session runs, e.g. `8*f+1`. Polynomials are kept in one normal form, so equal lengths have equal text.
 */
export type Dimension = number | SymbolicDimension;

/** A polynomial with at least one symbol. Make one with `symbol()` and the arithmetic below. */
export class SymbolicDimension {
  /** Monomial (`''` for the constant, `f`, `f*h`, …) → coefficient; never zero. */
  readonly terms: ReadonlyMap<string, number>;
  readonly text: string;

  constructor(terms: ReadonlyMap<string, number>) {
    this.terms = terms;
    this.text = format(terms);
  }

  toString(): string {
    return this.text;
  }
}

/** A size called `name`, a letter followed by letters, digits or underscores. */
export function symbol(name: string): SymbolicDimension {
  if (!/^[a-z]\w*$/i.test(name)) throw new Error(`"${name}" cannot name a size`);
  return new SymbolicDimension(new Map([[name, 1]]));
}

export function addDimensions(...dimensions: readonly Dimension[]): Dimension {
  const sum = new Map<string, number>();
  for (const dimension of dimensions) {
    for (const [monomial, coefficient] of termsOf(dimension)) {
      sum.set(monomial, (sum.get(monomial) ?? 0) + coefficient);
    }
  }
  return fromTerms(sum);
}

export function subtractDimensions(left: Dimension, right: Dimension): Dimension {
  return addDimensions(left, multiplyDimensions(right, -1));
}

export function multiplyDimensions(...dimensions: readonly Dimension[]): Dimension {
  let product: ReadonlyMap<string, number> = new Map([['', 1]]);
  for (const dimension of dimensions) {
    const next = new Map<string, number>();
    for (const [left, a] of product) {
      for (const [right, b] of termsOf(dimension)) {
        const monomial = [...left.split('*'), ...right.split('*')].filter(Boolean).sort().join('*');
        next.set(monomial, (next.get(monomial) ?? 0) + a * b);
      }
    }
    product = next;
  }
  return fromTerms(product);
}

/** floor(dimension / divisor); undefined when that is not a polynomial (a symbol's coefficient does not divide). */
export function floorDivide(dimension: Dimension, divisor: number): Dimension | undefined {
  if (typeof dimension === 'number') return Math.floor(dimension / divisor);
  const quotient = new Map<string, number>();
  for (const [monomial, coefficient] of dimension.terms) {
    if (monomial !== '' && coefficient % divisor !== 0) return undefined;
    quotient.set(monomial, Math.floor(coefficient / divisor));
  }
  return fromTerms(quotient);
}

export function divideExactly(dimension: Dimension, divisor: number): Dimension | undefined {
  const quotient = floorDivide(dimension, divisor);
  if (quotient === undefined || !sameDimension(multiplyDimensions(quotient, divisor), dimension)) return undefined;
  return quotient;
}

export function sameDimension(left: Dimension, right: Dimension): boolean {
  return left === right || String(left) === String(right);
}

export function sameShape(left: readonly Dimension[], right: readonly Dimension[]): boolean {
  return left.length === right.length && left.every((dimension, axis) => sameDimension(dimension, right[axis] ?? -1));
}

export function formatShape(shape: readonly Dimension[]): string {
  return `[${shape.map(String).join(', ')}]`;
}

/** The single symbol of `scale·symbol + offset`; undefined for any other polynomial. */
export function affineForm(
  dimension: SymbolicDimension,
): { readonly name: string; readonly scale: number; readonly offset: number } | undefined {
  const linear = [...dimension.terms].filter(([monomial]) => monomial !== '');
  const [first] = linear;
  if (first === undefined || linear.length > 1 || first[0].includes('*')) return undefined;
  return { name: first[0], scale: first[1], offset: dimension.terms.get('') ?? 0 };
}

/** The length when every symbol has a size; undefined if `sizes` lacks one. */
export function evaluateDimension(dimension: Dimension, sizes: ReadonlyMap<string, number>): number | undefined {
  let sum = 0;
  for (const [monomial, coefficient] of termsOf(dimension)) {
    let term = coefficient;
    for (const name of monomial.split('*').filter(Boolean)) term *= sizes.get(name) ?? Number.NaN;
    sum += term;
  }
  return Number.isNaN(sum) ? undefined : sum;
}

function termsOf(dimension: Dimension): ReadonlyMap<string, number> {
  return typeof dimension === 'number' ? new Map([['', dimension]]) : dimension.terms;
}

function fromTerms(terms: ReadonlyMap<string, number>): Dimension {
  const kept = new Map([...terms].filter(([, coefficient]) => coefficient !== 0).sort(([a], [b]) => (a < b ? 1 : -1)));
  if (kept.size === 0) return 0;
  const constant = kept.get('');
  if (kept.size === 1 && constant !== undefined) return constant;
  return new SymbolicDimension(kept);
}

function format(terms: ReadonlyMap<string, number>): string {
  const parts = [...terms].map(([monomial, coefficient]) => {
    if (monomial === '') return String(coefficient);
    return coefficient === 1 ? monomial : `${coefficient}*${monomial}`;
  });
  return parts.join('+').replaceAll('+-', '-');
}
