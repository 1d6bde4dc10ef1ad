import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

/** onnxruntime-node as npm installed it. */
export interface RuntimePackage {
  readonly version: string;
  /** Its native library for Linux on x64, without CUDA. */
  readonly library: string;
}

/** The name under which the binding asks the loader for the runtime. */
export const runtimeLibrary = 'libonnxruntime.so.1';

export function runtimePackage(): RuntimePackage {
  const manifest = createRequire(import.meta.url).resolve('onnxruntime-node/package.json');
  const { version } = JSON.parse(readFileSync(manifest, 'utf8')) as { readonly version: string };
  return { version, library: join(dirname(manifest), 'bin/napi-v6/linux/x64', runtimeLibrary) };
}
