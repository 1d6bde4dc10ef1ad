import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3';
import { pythonWith } from './programs/python.ts';

const startMilliseconds = 30_000;

/** An S3-compatible server of its own for one test file. It holds everything in memory. */
export interface TestS3 extends AsyncDisposable {
  readonly endpoint: string;
  /** Makes an empty bucket and returns its name. */
  newBucket(): Promise<string>;
}

/**
 * Starts `moto`, which is installed at the first use; undefined without Python or without a package index. Sets the
 * credentials of this process to some that it takes.
 */
export async function startS3(): Promise<TestS3 | undefined> {
  // What `moto[server]` has besides is for other services, and takes four times as long to install.
  const python = await pythonWith('moto[s3]==5.2.5', 'flask', 'flask-cors');
  if (python === undefined) return undefined;
  process.env.AWS_ACCESS_KEY_ID = 'test';
  process.env.AWS_SECRET_ACCESS_KEY = 'test';
  const port = await freePort();
  const endpoint = `http://127.0.0.1:${port}`;
  const flags = ['-m', 'moto.server', '-H', '127.0.0.1', '-p', String(port)];
  const server = spawn(python.executable, flags, { stdio: 'ignore' });
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
  const deadline = Date.now() + startMilliseconds;
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
