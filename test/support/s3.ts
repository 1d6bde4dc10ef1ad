import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3';

const START_MILLISECONDS = 30_000;
const packages = ['moto[server]==5.2.5'];

/** An S3-compatible server of its own for one test file. It holds everything in memory. */
export interface TestS3 extends AsyncDisposable {
  readonly endpoint: string;
  /** Makes an empty bucket and returns its name. */
  newBucket(): Promise<string>;
}

/**
 * Starts `moto`, which is installed into a cache folder at the first use; undefined without Python or without a package
 * index. Sets the credentials of this process to some that it takes.
 */
export async function startS3(): Promise<TestS3 | undefined> {
  const library = await installed();
  if (library === undefined) return undefined;
  process.env.AWS_ACCESS_KEY_ID = 'test';
  process.env.AWS_SECRET_ACCESS_KEY = 'test';
  const port = await freePort();
  const endpoint = `http://127.0.0.1:${port}`;
  const environment = { ...process.env, PYTHONPATH: library };
  const server = spawn('python3', ['-m', 'moto.server', '-H', '127.0.0.1', '-p', String(port)], {
    env: environment,
    stdio: 'ignore',
  });
  const kill = (): boolean => server.kill('SIGKILL');
  process.once('exit', kill);
  await untilReady(server, endpoint);
  const client = new S3Client({ endpoint, region: 'us-east-1', forcePathStyle: true });
  let buckets = 0;
  return {
    endpoint,
    newBucket: async () => {
      const name = `test-${buckets++}`;
      await client.send(new CreateBucketCommand({ Bucket: name }));
      return name;
    },
    [Symbol.asyncDispose]: async () => {
      client.destroy();
      process.off('exit', kill);
      const ended = once(server, 'exit');
      kill();
      await ended;
    },
  };
}

/** The folder with the packages; two test files may install it at the same time. */
async function installed(): Promise<string | undefined> {
  const cache = join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'soundstage', 'test');
  const folder = join(cache, 'moto-5.2.5');
  if (existsSync(folder)) return folder;
  const fresh = `${folder}.${process.pid}`;
  try {
    await mkdir(cache, { recursive: true });
    await promisify(execFile)('python3', ['-m', 'pip', 'install', '--quiet', '--target', fresh, ...packages]);
    await rename(fresh, folder);
  } catch (error) {
    await rm(fresh, { recursive: true, force: true });
    if (existsSync(folder)) return folder;
    console.warn(`no S3 server for the tests: ${String(error).split('\n', 1)[0]}`);
    return undefined;
  }
  return folder;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

async function untilReady(server: ChildProcess, endpoint: string): Promise<void> {
  const deadline = Date.now() + START_MILLISECONDS;
  for (;;) {
    try {
      const { ok } = await fetch(`${endpoint}/moto-api/data.json`);
      if (ok) return;
    } catch (error) {
      if (server.exitCode !== null || Date.now() > deadline) throw error;
    }
    await sleep(100);
  }
}
