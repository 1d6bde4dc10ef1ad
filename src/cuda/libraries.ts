import { errorCode } from '../shared/system-code.ts';
import { neededLibraries } from './elf.ts';

/** NVIDIA's driver brings this one along, and nothing else does. */
export const driverLibrary = 'libcuda.so.1';

/** Libraries that the provider and cuDNN load when they come to need them, rather than at the start. */
const loadedLater: readonly string[] = [
  ...['libcudnn.so.9', 'libcudnn_graph.so.9', 'libcudnn_ops.so.9', 'libcudnn_cnn.so.9', 'libcudnn_heuristic.so.9'],
  ...['libcudnn_engines_precompiled.so.9', 'libcudnn_engines_runtime_compiled.so.9', 'libnvrtc.so.13'],
];

/** Of the libraries that a provider needs, those the loader does not find, and those that are here of another version. */
export interface MissingLibraries {
  readonly missing: readonly string[];
  readonly ofOtherMajor: readonly string[];
}

/**
 * Asks the system's loader for everything that the CUDA provider needs, and gives the names of what it does not find, those of
 * the driver last. What is found stays loaded: call it in a process of its own.
 *
 * @param provider path of the provider's library
 */
export async function missingLibraries(provider: string): Promise<MissingLibraries> {
  const names = [...(await neededLibraries(provider)), ...loadedLater];
  const missing = [...new Set(names.flatMap((name) => missingFor(name) ?? []))];
  const ofOtherMajor = missing.flatMap((name) => otherMajors(name).filter((other) => missingFor(other) === undefined));
  return {
    missing: missing.sort((one, other) => Number(one === driverLibrary) - Number(other === driverLibrary)),
    ofOtherMajor,
  };
}

/** The same library of the majors before and after: `libcublas.so.13` of CUDA 13 is `libcublas.so.12` in CUDA 12. */
function otherMajors(library: string): readonly string[] {
  const [, name, major] = /^(libcu(?:da|blas|blasLt|dart|dnn)\S*\.so)\.(\d+)$/.exec(library) ?? [];
  if (name === undefined || library === driverLibrary) return [];
  return [-2, -1, 1].map((step) => `${name}.${Number(major) + step}`);
}

/** Of the library itself and those it needs, the one that the loader does not find; undefined if it loads. */
export function missingFor(library: string): string | undefined {
  try {
    process.dlopen({ exports: {} }, library);
  } catch (error) {
    // Node looks for an add-on inside once the library is loaded, and finds none.
    const message = error instanceof Error && errorCode(error) === 'ERR_DLOPEN_FAILED' ? error.message : undefined;
    if (message === undefined) throw error;
    const [, name] = /^(\S+): cannot open shared object file/.exec(message) ?? [];
    if (name !== undefined) return name;
    if (!message.startsWith('Module did not self-register')) return library;
  }
  return undefined;
}
