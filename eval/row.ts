import type { Picture } from './footage.ts';
import type { SoundLibrary } from './sounds/sound-library.ts';
import type { Studio } from './studio.ts';

/** One line of the table. */
export interface Finding {
  readonly what: string;
  readonly measured: string;
  /** Empty where a value is only reported. */
  readonly aim: string;
  /** Undefined where there is no aim, or nothing to measure. */
  readonly met: boolean | undefined;
}

/** Pictures in rows, for looking at what was measured. */
export type Sheet = readonly (readonly Picture[])[];

export interface RowResult {
  readonly findings: readonly Finding[];
  readonly sheet?: Sheet | undefined;
}

export interface RowContext {
  readonly studio: Studio;
  readonly sounds: SoundLibrary;
  /** How many clips (or prompts) to take where the full evaluation takes `usual`. */
  count(usual: number): number;
  /** Says what is being made. */
  step(what: string): void;
}

/** Something that is measured of the model, over several clips. */
export interface Row {
  readonly name: string;
  readonly about: string;
  run(context: RowContext): Promise<RowResult>;
}

/** Things in rows of so many, in their order. */
export function inRowsOf<T>(columns: number, all: readonly T[]): T[][] {
  return Array.from({ length: Math.ceil(all.length / columns) }, (_, row) =>
    all.slice(row * columns, (row + 1) * columns),
  );
}

/** A finding whose value must not be below its aim. */
export function atLeast(what: string, value: number, aim: number, shown: (value: number) => string): Finding {
  return { what, measured: shown(value), aim: `≥ ${shown(aim)}`, met: value >= aim };
}

/** A finding whose value must not be above its aim. */
export function atMost(what: string, value: number, aim: number, shown: (value: number) => string): Finding {
  return { what, measured: shown(value), aim: `≤ ${shown(aim)}`, met: value <= aim };
}

/** A finding of something these weights lack. */
export function notThere(what: string, aim: string): Finding {
  return { what, measured: 'not there', aim, met: undefined };
}

export const inHundredths = (value: number): string => value.toFixed(2);
export const inPercent = (value: number): string => `${Math.round(100 * value)} %`;
export const inDecibels = (value: number): string => `${value.toFixed(1)} dB`;
export const inSeconds = (value: number): string => `${value.toFixed(1)} s`;
