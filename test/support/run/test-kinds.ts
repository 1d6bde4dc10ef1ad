import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** Packages with native code that is multi-threaded and may crash. */
const native = /^(?:(?:onnxruntime-node|node-av|playwright-core)(?:\/.*)?)$/;
/** What else is more than plain JavaScript: databases, and what starts processes. */
const heavy = /^(?:@electric-sql\/.*|sharp|pg|pg-boss|vite|node:(?:child_process|worker_threads|cluster))$/;
/** Brings hundreds of modules along. */
const server = 'src/server/open-server.ts';

/** Paths of test files, by what they import, directly or not. */
export interface TestKinds {
  /** Plain JavaScript. */
  readonly light: string[];
  /** The server, without native code that may crash. */
  readonly servers: string[];
}

export function testKinds(root: string): TestKinds {
  const known = new Map<string, readonly string[]>();
  const importsOf = (path: string): readonly string[] => {
    const found = known.get(path) ?? readImports(path);
    known.set(path, found);
    return found;
  };
  const kinds: TestKinds = { light: [], servers: [] };
  for (const test of globSync('{src,test,eval}/**/*.test.ts', { cwd: root })) {
    const files = new Set([join(root, test)]);
    const packages = new Set<string>();
    for (const file of files) {
      for (const name of importsOf(file)) {
        if (name.startsWith('.')) files.add(join(dirname(file), name));
        else packages.add(name);
      }
    }
    const uses = (kind: RegExp): boolean => [...packages].some((name) => kind.test(name));
    if (!uses(native) && !uses(heavy)) kinds.light.push(test);
    else if (!uses(native) && files.has(join(root, server))) kinds.servers.push(test);
  }
  return kinds;
}

/** What a module imports when it runs, when types are gone, and the programs that it starts. */
function readImports(path: string): readonly string[] {
  if (!existsSync(path)) return [];
  const text = readFileSync(path, 'utf8');
  const statements = text.matchAll(/^(?:import|export)\s+(?!type\s)(?:[^;']*?\sfrom\s+)?'([^']+)'/gm);
  const calls = text.matchAll(/\bimport\(\s*'([^']+)'/g);
  return [...statements, ...calls].map(([, name = '']) => name);
}
