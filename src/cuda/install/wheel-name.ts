/** A built package of Python, by its file name: https://packaging.python.org/specifications/binary-distribution-format */
export interface WheelName {
  readonly file: string;
  /** Normalized: lower case, with hyphens. */
  readonly name: string;
  readonly version: string;
  /** E.g. `manylinux_2_28_x86_64`; a wheel may be for several. */
  readonly platforms: readonly string[];
}

/** Which package, and of its versions one or the newest of a major. */
export interface WantedPackage {
  readonly name: string;
  readonly version: { readonly exact: string } | { readonly major: number };
}

/** Undefined where the name is not that of a wheel. */
export function parseWheelName(file: string): WheelName | undefined {
  const parts = /\.whl$/.test(file) ? file.slice(0, -'.whl'.length).split('-') : [];
  const [name, version] = parts;
  const platforms = parts.at(-1)?.split('.');
  if (name === undefined || version === undefined || platforms === undefined) return undefined;
  return parts.length === 5 || parts.length === 6
    ? { file, name: normalizedName(name), version, platforms }
    : undefined;
}

/** The newest of the wheels that are the wanted package for Linux on x64; no release candidates. */
export function chooseWheel<Wheel extends WheelName>(
  wheels: readonly Wheel[],
  wanted: WantedPackage,
): Wheel | undefined {
  const fitting = wheels.filter((wheel) => isWanted(wheel, wanted) && wheel.platforms.some(isLinuxX64));
  return fitting.toSorted((one, other) => compareVersions(other.version, one.version))[0];
}

/** Whether a package is one that is wanted, whatever it is for. */
export function isWanted(
  { name, version }: { readonly name: string; readonly version: string },
  wanted: WantedPackage,
): boolean {
  if (name !== wanted.name) return false;
  return 'exact' in wanted.version ? version === wanted.version.exact : isReleaseOf(version, wanted.version.major);
}

/** As a number compares: positive where `one` is newer. */
export function compareVersions(one: string, other: string): number {
  return one.localeCompare(other, 'en', { numeric: true });
}

export function describeWanted({ name, version }: WantedPackage): string {
  return 'exact' in version ? `${name} ${version.exact}` : `${name} ${version.major}`;
}

/** As pip takes it. */
export function requirementOf({ name, version }: WantedPackage): string {
  return 'exact' in version ? `${name}==${version.exact}` : `${name}==${version.major}.*`;
}

function normalizedName(name: string): string {
  return name.toLowerCase().replace(/[-_.]+/g, '-');
}

function isReleaseOf(version: string, major: number): boolean {
  return /^\d+(?:\.\d+)*$/.test(version) && Number.parseInt(version, 10) === major;
}

function isLinuxX64(platform: string): boolean {
  return /^(?:manylinux.*|linux)_x86_64$/.test(platform);
}
