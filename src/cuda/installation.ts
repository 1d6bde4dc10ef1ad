import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { configurationSchema } from '../shared/configuration.ts';
import { errorCode } from '../shared/system-code.ts';
import { runtimePackage } from './runtime-package.ts';

/** The package on PyPI with the CUDA part of the runtime. */
export const providerPackage = 'onnxruntime-gpu';

/** A wheel that was unpacked into a folder of its own, which has its name when all of it is there. */
export interface InstalledPackage {
  readonly name: string;
  readonly version: string;
  readonly folder: string;
}

/** What `soundstage gpu install` installed for one version of the runtime. */
export interface CudaInstallation {
  /** The provider, and beside it a copy of the runtime's own library, which looks for the provider there. */
  readonly provider: InstalledPackage;
  /** NVIDIA's libraries; none where those of the system are to be used. */
  readonly libraries: readonly InstalledPackage[];
}

/** File name and bytes of all that a package brings along, beside it in its folder. */
export const contentsName = 'contents.json';
const contentsSchema = z.object({
  name: z.string(),
  version: z.string(),
  files: z.record(z.string(), z.number()),
});
export type PackageContents = z.infer<typeof contentsSchema>;

const installationSchema = z.object({ packages: z.array(z.string().regex(/^[a-z0-9][\w.+-]*$/)) });
export type InstallationFile = z.infer<typeof installationSchema>;

/** The folder of everything installed, one folder a package. */
export function cudaFolder(environment: NodeJS.ProcessEnv = process.env): string {
  return configurationSchema.shape.SOUNDSTAGE_CUDA_FOLDER.parse(environment.SOUNDSTAGE_CUDA_FOLDER || undefined);
}

/** The file that says which packages belong together. It is of one version of the runtime, so that no other uses them. */
export function installationPath(folder: string, version: string): string {
  return join(folder, `onnxruntime-${version}.json`);
}

/** What is installed for a version of the runtime, as far as its files are whole; undefined without the provider. */
export function findInstallation(
  folder = cudaFolder(),
  version = runtimePackage().version,
): CudaInstallation | undefined {
  const file = readJson(installationPath(folder, version), installationSchema);
  const packages = (file?.packages ?? []).flatMap((name) => readPackage(join(folder, name)) ?? []);
  const provider = packages.find(({ name }) => name === providerPackage);
  return provider && { provider, libraries: packages.filter((each) => each !== provider) };
}

/** Versions of the runtime that something is installed for. */
export function installedVersions(folder = cudaFolder()): readonly string[] {
  return namesIn(folder).flatMap((name) => /^onnxruntime-(.+)\.json$/.exec(name)?.[1] ?? []);
}

/** Every package in the folder that is whole. */
export function packagesIn(folder: string): readonly InstalledPackage[] {
  return namesIn(folder).flatMap((name) => (name.startsWith('.') ? [] : (readPackage(join(folder, name)) ?? [])));
}

/** A package whose files all have the size they were unpacked with; undefined for any other. */
function readPackage(folder: string): InstalledPackage | undefined {
  const contents = readJson(join(folder, contentsName), contentsSchema);
  if (contents === undefined) return undefined;
  const isWhole = Object.entries(contents.files).every(
    ([name, size]) => statSync(join(folder, name), { throwIfNoEntry: false })?.size === size,
  );
  return isWhole ? { name: contents.name, version: contents.version, folder } : undefined;
}

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    if (isAbsence(error)) return [];
    throw error;
  }
}

function readJson<Schema extends z.ZodType>(path: string, schema: Schema): z.infer<Schema> | undefined {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if (isAbsence(error)) return undefined;
    throw error;
  }
  try {
    return schema.safeParse(JSON.parse(text)).data;
  } catch {
    // Whoever wrote it was interrupted.
    return undefined;
  }
}

function isAbsence(error: unknown): boolean {
  return ['ENOENT', 'ENOTDIR', 'EACCES'].includes(errorCode(error) ?? '');
}
