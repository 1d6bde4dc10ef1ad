import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const program = fileURLToPath(new URL('./server-load-process.ts', import.meta.url));

export interface Load {
  readonly url: string;
  /** Asked for in turn by every connection, each beginning elsewhere. */
  readonly paths: readonly string[];
  readonly method: 'GET' | 'POST';
  readonly body?: string;
  readonly connections: number;
  readonly seconds: number;
}

export interface LoadFigures {
  readonly perSecond: number;
  /** Milliseconds. */
  readonly p50: number;
  readonly p99: number;
}

/** Asks as fast as it is answered, from a process of its own; every answer has to be a 2xx. */
export async function measureLoad(load: Load): Promise<LoadFigures> {
  const flags = ['--disable-warning=ExperimentalWarning', program, JSON.stringify(load)];
  const { stdout } = await promisify(execFile)(process.execPath, flags);
  const figures: LoadFigures = JSON.parse(stdout);
  return figures;
}
