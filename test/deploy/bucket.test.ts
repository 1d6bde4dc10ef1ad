import { execFile } from 'node:child_process';
import { copyFile, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { HeadBucketCommand, S3Client } from '@aws-sdk/client-s3';
import { afterAll, expect, test } from 'vitest';
import { startS3 } from '../support/s3.ts';
import { deploy } from './files.ts';

const s3 = await startS3();
afterAll(() => s3?.[Symbol.asyncDispose]());

test.skipIf(s3 === undefined)('the bucket is made once, and a second time does no harm', async () => {
  const endpoint = s3?.endpoint ?? '';
  // Beside the installed packages, as in the container.
  const cache = join(import.meta.dirname, '../../node_modules/.cache');
  await mkdir(cache, { recursive: true });
  const folder = await mkdtemp(join(cache, 'soundstage-bucket-'));
  try {
    await copyFile(join(deploy, 'compose/create-bucket.mjs'), join(folder, 'create-bucket.mjs'));
    const env = { ...process.env, SOUNDSTAGE_S3_BUCKET: 'soundstage', SOUNDSTAGE_S3_ENDPOINT: endpoint };
    for (let time = 0; time < 2; time += 1) {
      await promisify(execFile)(process.execPath, [join(folder, 'create-bucket.mjs')], { env });
    }
  } finally {
    await rm(folder, { recursive: true });
  }
  const client = new S3Client({ endpoint, region: 'us-east-1', forcePathStyle: true });
  expect((await client.send(new HeadBucketCommand({ Bucket: 'soundstage' }))).$metadata.httpStatusCode).toBe(200);
  client.destroy();
});
