import { join, resolve } from 'node:path';
import { z } from 'zod';
import { deviceChoices, precisions } from '../graph/graph-target.ts';
import { SoundstageError } from './errors.ts';
import { userFolders } from './folders/user-folders.ts';
import { trimInvisible } from './trim.ts';

const KiB = 2 ** 10;
const MiB = 2 ** 20;
const GiB = 2 ** 30;

const flag = z.stringbool({ truthy: ['1', 'true', 'yes', 'on'], falsy: ['0', 'false', 'no', 'off', ''] });
const list = z.string().transform((text) =>
  text
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== ''),
);
const origin = z
  .url({ protocol: /^https?$/ })
  .refine((text) => /^https?:\/\/[^/?#@]+\/?$/i.test(text), 'list origins like https://app.example.com, without a path')
  .transform((text) => new URL(text).origin);
const bytes = z.coerce.number().int().positive();
/** Of 2³⁰ bytes, as cards are sold. */
export const gigabytes = z.coerce.number().positive();
const atLeastZero = z.coerce.number().int().nonnegative();
const seconds = z.coerce.number().positive();

/** Settings of `soundstage serve` and `soundstage worker`, by environment variable. A flag of the command wins. */
export const configurationSchema = z.object({
  SOUNDSTAGE_HOST: z.string().default('127.0.0.1').describe('Address to listen on.'),
  SOUNDSTAGE_PORT: z.coerce.number().int().min(0).max(65535).default(8000).describe('Port; 0 takes a free one.'),
  SOUNDSTAGE_PUBLIC_URL: z
    .url()
    .optional()
    .describe('Address under which callers reach the server, when it is not the one they name themselves.'),
  SOUNDSTAGE_DATA: z
    .string()
    .default(join(userFolders().data, 'soundstage'))
    .overwrite((folder) => resolve(folder))
    .describe('Folder of the embedded database, the files and the certificates.'),
  SOUNDSTAGE_CUDA_FOLDER: z
    .string()
    .default(join(userFolders().cache, 'soundstage', 'cuda'))
    .overwrite((folder) => resolve(folder))
    .describe('Folder that `soundstage gpu install` puts the CUDA part of the runtime into.'),
  DATABASE_URL: z.string().optional().describe('PostgreSQL server to use instead of the embedded database.'),
  SOUNDSTAGE_S3_BUCKET: z.string().optional().describe('Bucket to keep files in instead of the data folder.'),
  SOUNDSTAGE_S3_ENDPOINT: z.url().optional().describe('Address of an S3-compatible store other than AWS.'),
  SOUNDSTAGE_S3_REGION: z.string().default('us-east-1').describe('Region of the bucket.'),
  SOUNDSTAGE_MODEL: z.string().default('nano').describe('Weights: an id of `soundstage models list`, or a folder.'),
  SOUNDSTAGE_DEVICE: z.enum(deviceChoices).default('auto').describe('Where the model runs.'),
  SOUNDSTAGE_GPUS: list
    .pipe(z.array(z.string().regex(/^\d+$/, 'list numbers of GPUs, as nvidia-smi counts')))
    .default([])
    .describe('GPUs to make clips on, one clip each at a time, as `nvidia-smi` counts; default all.'),
  SOUNDSTAGE_GPU_MEMORY: gigabytes
    .optional()
    .describe('Gigabytes of memory to use of each GPU: what does not fit comes and goes. Default: what is free.'),
  SOUNDSTAGE_PRECISION: z
    .enum(precisions)
    .default('exact')
    .describe(
      '`int8` computes the transformer in eight bits: faster on the CPU, a little less exact. The rounded weights are kept in the user’s cache folder.',
    ),
  SOUNDSTAGE_AUTH: z
    .enum(['auto', 'keys', 'off'])
    .default('auto')
    .describe(
      '`auto`: API keys are asked for unless the server is for loopback only, public URL included, and none was created.',
    ),
  SOUNDSTAGE_ALLOW_ORIGINS: list
    .pipe(z.array(origin))
    .default([])
    .describe('Origins whose pages may use the server, and as which it may be reached, while no keys are asked for.'),
  SOUNDSTAGE_ALLOW_PRIVATE_HOSTS: list
    .default([])
    .describe(
      'Hosts, addresses or networks (CIDR) on private networks that inputs and webhooks may name; `*` for all.',
    ),
  SOUNDSTAGE_LORA_FOLDER: z.string().optional().describe('Folder whose files requests may name as LoRA paths.'),
  SOUNDSTAGE_LORA_CACHE_BYTES: bytes
    .default(50 * GiB)
    .describe('Disk space for fetched LoRAs; the least used go first.'),
  SOUNDSTAGE_MAX_JSON_BYTES: bytes
    .default(64 * MiB)
    .describe('Largest JSON body, data URIs included; besides them it may have 1 MiB.'),
  SOUNDSTAGE_MAX_UPLOAD_BYTES: bytes.default(2 * GiB).describe('Largest uploaded file.'),
  SOUNDSTAGE_MAX_INPUT_BYTES: bytes.default(512 * MiB).describe('Largest recording or image fetched for a request.'),
  SOUNDSTAGE_MAX_LORA_BYTES: bytes.default(10 * GiB).describe('Largest LoRA fetched for a request.'),
  SOUNDSTAGE_FETCH_TIMEOUT: seconds
    .default(300)
    .describe('Seconds that fetching the inputs of a request may take, all together.'),
  SOUNDSTAGE_MIN_FETCH_RATE: atLeastZero
    .default(16 * KiB)
    .describe('Bytes a second at which inputs have to arrive, on average over 20 s; 0: at any rate.'),
  SOUNDSTAGE_MIN_FREE_BYTES: atLeastZero
    .default(256 * MiB)
    .describe('Space that is left free on the disk of the data folder: with less, no requests are taken.'),
  SOUNDSTAGE_MAX_CONCURRENT_RUNS: z.coerce
    .number()
    .int()
    .positive()
    .default(16)
    .describe('Direct runs (not queued) one caller may have open; more are answered 429.'),
  SOUNDSTAGE_PAYLOAD_RETENTION: seconds
    .default(30 * 86_400)
    .describe('Seconds for which inputs and outputs of finished requests are kept.'),
  SOUNDSTAGE_FILE_RETENTION: seconds.optional().describe('Seconds for which files are kept; absent: for ever.'),
  SOUNDSTAGE_SAFETY_MODEL: z.string().default('auto').describe('Picture model of the safety checker.'),
  SOUNDSTAGE_SHOW_PRICES: flag
    .default(false)
    .describe('Show on the page what clips cost at the list prices of the endpoints.'),
  SOUNDSTAGE_PADDED_JWKS: flag
    .default(false)
    .describe('Write public keys with base64 padding, as some receivers need.'),
});

/** Validated settings, keyed by environment variable. */
export type Configuration = Readonly<z.infer<typeof configurationSchema>>;

/**
 * Reads the settings; `overrides` (flags) win over the environment.
 *
 * @throws SoundstageError `input` naming the variable
 */
export function readConfiguration(
  environment: Readonly<Record<string, string | undefined>>,
  overrides: Readonly<Record<string, string | undefined>> = {},
): Configuration {
  const given = Object.entries(definedOnly({ ...environment, ...definedOnly(overrides) }))
    .map(([name, value]): [string, string] => [name, trimInvisible(value)])
    .filter(([name, value]) => name in configurationSchema.shape && value !== '');
  const parsed = configurationSchema.safeParse(Object.fromEntries(given));
  if (parsed.success) return Object.freeze(parsed.data);
  const [issue] = parsed.error.issues;
  const name = String(issue?.path[0]);
  throw new SoundstageError('input', `${name} is not usable: ${issue?.message}`, { field: name, cause: parsed.error });
}

function definedOnly(values: Readonly<Record<string, string | undefined>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(values).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
}
