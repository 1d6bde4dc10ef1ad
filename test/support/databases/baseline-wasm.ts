/**
 * Flags of Node for a process that asks an embedded database little. The database is WebAssembly, and to optimize one of its
 * functions takes V8 most of a second and 600 MB, which pays for a server, but not for most tests.
 */
export const baselineWasm: readonly string[] = Object.freeze(['--liftoff-only']);
