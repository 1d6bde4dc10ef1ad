import { createHash, createPrivateKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import type { Kysely } from 'kysely';
import { z } from 'zod';
import { setting } from '../../database/settings.ts';
import type { Tables } from '../../database/tables.ts';

const keySchema = z.object({ kty: z.literal('OKP'), crv: z.literal('Ed25519'), x: z.string(), d: z.string() });

export interface PublicKeys {
  readonly keys: readonly Readonly<Record<string, string>>[];
}

export interface WebhookMessage {
  readonly requestId: string;
  readonly userId: string;
  readonly body: Uint8Array;
}

/** Signs webhooks with the one key of this installation. */
export class WebhookKeys {
  readonly #privateKey: KeyObject;
  readonly #x: string;

  private constructor(key: z.infer<typeof keySchema>) {
    this.#privateKey = createPrivateKey({ key, format: 'jwk' });
    this.#x = key.x;
  }

  static async open(kysely: Kysely<Tables>): Promise<WebhookKeys> {
    return new WebhookKeys(await setting(kysely, 'webhook_key', keySchema, newKey));
  }

  /**
   * What receivers verify signatures with (RFC 8037).
   *
   * @param padded writes base64 padding, without which some receivers cannot decode it, and with which others cannot
   */
  publicKeys({ padded = false }: { readonly padded?: boolean } = {}): PublicKeys {
    const kid = createHash('sha256').update(this.#x).digest('base64url').slice(0, 16);
    const x = padded ? this.#x.padEnd(Math.ceil(this.#x.length / 4) * 4, '=') : this.#x;
    return { keys: [{ kty: 'OKP', crv: 'Ed25519', use: 'sig', alg: 'EdDSA', kid, x }] };
  }

  /** The headers of one delivery; every attempt is signed anew, since receivers refuse old ones. */
  headers({ requestId, userId, body }: WebhookMessage): Readonly<Record<string, string>> {
    const timestamp = String(Math.floor(Date.now() / 1000));
    const digest = createHash('sha256').update(body).digest('hex');
    const message = [requestId, userId, timestamp, digest].join('\n');
    return {
      'X-Fal-Webhook-Request-Id': requestId,
      'X-Fal-Webhook-User-Id': userId,
      'X-Fal-Webhook-Timestamp': timestamp,
      'X-Fal-Webhook-Signature': sign(null, Buffer.from(message), this.#privateKey).toString('hex'),
    };
  }
}

function newKey(): z.infer<typeof keySchema> {
  const { privateKey } = generateKeyPairSync('ed25519');
  return keySchema.parse(privateKey.export({ format: 'jwk' }));
}
