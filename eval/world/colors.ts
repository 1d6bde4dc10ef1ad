/** Red, green and blue in 0…1. */
export type Rgb = readonly [number, number, number];

export const colorNames = [
  'red',
  'orange',
  'yellow',
  'green',
  'blue',
  'purple',
  'pink',
  'white',
  'black',
  'gray',
  'brown',
  'turquoise',
] as const;

export type ColorName = (typeof colorNames)[number];

/** What the drawn world means by its color words. */
export const colors: Readonly<Record<ColorName, Rgb>> = {
  red: [0.86, 0.16, 0.16],
  orange: [0.96, 0.55, 0.12],
  yellow: [0.97, 0.86, 0.2],
  green: [0.18, 0.65, 0.28],
  blue: [0.18, 0.38, 0.86],
  purple: [0.55, 0.25, 0.75],
  pink: [0.96, 0.56, 0.72],
  white: [0.95, 0.95, 0.95],
  black: [0.1, 0.1, 0.12],
  gray: [0.55, 0.55, 0.58],
  brown: [0.47, 0.29, 0.15],
  turquoise: [0.15, 0.72, 0.72],
};

export const hairNames = ['red', 'brown', 'black', 'blonde', 'gray'] as const;

export type HairColor = (typeof hairNames)[number];

export const hairColors: Readonly<Record<HairColor, Rgb>> = {
  red: [0.72, 0.25, 0.1],
  brown: [0.36, 0.22, 0.12],
  black: [0.09, 0.08, 0.09],
  blonde: [0.93, 0.78, 0.38],
  gray: [0.66, 0.66, 0.68],
};

export const skinTones: readonly Rgb[] = [
  [0.99, 0.85, 0.74],
  [0.94, 0.75, 0.6],
  [0.8, 0.58, 0.42],
  [0.58, 0.39, 0.26],
  [0.4, 0.27, 0.19],
];

/** Inside of a mouth. */
export const mouthColor: Rgb = [0.45, 0.06, 0.12];

/** What backgrounds and shirts can be; skies and nights have fewer. */
export const groundNames = [
  'red',
  'orange',
  'yellow',
  'green',
  'blue',
  'purple',
  'pink',
  'white',
  'gray',
  'turquoise',
  'black',
] as const satisfies readonly ColorName[];

export const skyNames = ['blue', 'orange', 'pink', 'black', 'purple'] as const satisfies readonly ColorName[];
export const waterNames = ['blue', 'green', 'turquoise', 'purple'] as const satisfies readonly ColorName[];
export const nightNames = ['black', 'purple', 'blue', 'gray'] as const satisfies readonly ColorName[];
export const lightNames = [
  'red',
  'orange',
  'yellow',
  'green',
  'pink',
  'turquoise',
] as const satisfies readonly ColorName[];

/** `color` darkened to a share of its light. */
export function shaded([red, green, blue]: Rgb, share: number): Rgb {
  return [red * share, green * share, blue * share];
}

export function mixed(from: Rgb, to: Rgb, share: number): Rgb {
  const at = (axis: 0 | 1 | 2): number => from[axis] + (to[axis] - from[axis]) * share;
  return [at(0), at(1), at(2)];
}

/** Euclidean, in 0…√3. */
export function colorDistance(a: Rgb, b: Rgb): number {
  return Math.hypot(a[0] - b[0], a[1] - b[1], a[2] - b[2]);
}
