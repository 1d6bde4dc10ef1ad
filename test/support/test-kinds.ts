import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** What is native, and may end its process: the tensor runtime, the codecs, sharp, the databases, browsers; and what starts processes. */
const heavy =
  /^(?:(?:onnxruntime-node|node-av|@electric-sql|playwright-core)(?:\/.*)?|sharp|pg|pg-boss|vite|node:(?:child_process|worker_threads|cluster))$/;

/**
 * Tests of plain JavaScript, which cannot crash: nothing that they import, directly or not, is heavy, and they change nothing
 * that others would notice.
 *
 * @returns paths below `root`
 */
export function lightTests(root: string): string[] {
  const known = new Map<string, boolean>();
  const isHeavy = (path: string): boolean => {
    const earlier = known.get(path);
    if (earlier !== undefined) return earlier;
    // In a circle of imports, the others decide.
    known.set(path, false);
    const found = importsOf(path).some((name) =>
      name.startsWith('.') ? isHeavy(join(dirname(path), name)) : heavy.test(name),
    );
    known.set(path, found);
    return found;
  };
  const tests = globSync('{src,test,eval}/**/*.test.ts', { cwd: root });
  return tests.filter((test) => !isHeavy(join(root, test))).map((test) => test.replaceAll('\\', '/'));
}

/** What a module imports when it runs; types are gone by then. */
function importsOf(path: string): readonly string[] {
  if (!existsSync(path)) return [];
  const text = readFileSync(path, 'utf8');
  const statements = text.matchAll(/^(?:import|export)\s+(?!type\s)(?:[^;']*?\sfrom\s+)?'([^']+)'/gm);
  const calls = text.matchAll(/\bimport\(\s*'([^']+)'/g);
  const programs = text.matchAll(/new URL\('(\.[^']+\.ts)'/g);
  return [...statements, ...calls, ...programs].map(([, name = '']) => name);
}
