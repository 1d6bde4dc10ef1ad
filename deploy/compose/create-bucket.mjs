// Makes the bucket of SOUNDSTAGE_S3_BUCKET unless it is there.
import { CreateBucketCommand, HeadBucketCommand, S3Client } from '@aws-sdk/client-s3';

const { SOUNDSTAGE_S3_BUCKET: Bucket, SOUNDSTAGE_S3_ENDPOINT: endpoint, SOUNDSTAGE_S3_REGION: region } = process.env;
const client = new S3Client({ endpoint, region: region || 'us-east-1', forcePathStyle: true });
try {
  await client.send(new HeadBucketCommand({ Bucket }));
} catch (error) {
  if (error.name !== 'NotFound') throw error;
  await client.send(new CreateBucketCommand({ Bucket }));
}
