import { SoundstageError } from '../shared/errors.ts';

/** What a network computed holds values that are no numbers any more. */
export class NotFiniteError extends SoundstageError {
  constructor(what: string) {
    super('weights', `${what} are not finite numbers`);
  }
}

/** @throws NotFiniteError that names what they are */
export function requireFinite(values: Float32Array, what: string): void {
  let sum = 0;
  // Zero times a finite number is zero, anything else makes the sum NaN.
  for (let index = 0; index < values.length; index++) sum += (values[index] as number) * 0;
  if (sum !== 0) throw new NotFiniteError(what);
}
