import { createHmac, timingSafeEqual } from 'node:crypto';

/** Signs links that let anybody read one file for a while, whatever its access rules say. */
export class LinkSignature {
  readonly #secret: string;

  constructor(secret: string) {
    this.#secret = secret;
  }

  /** The value that goes into the link. */
  sign(fileId: string, expiresAt: Date): string {
    const until = Math.floor(expiresAt.getTime() / 1000).toString();
    return `${until}.${this.#digest(fileId, until)}`;
  }

  verify(fileId: string, signature: string, now = new Date()): boolean {
    const [, until = '', digest = ''] = /^(\d{1,12})\.([A-Za-z0-9_-]{43})$/.exec(signature) ?? [];
    const expected = this.#digest(fileId, until);
    if (digest.length !== expected.length) return false;
    return timingSafeEqual(Buffer.from(digest), Buffer.from(expected)) && Number(until) * 1000 > now.getTime();
  }

  #digest(fileId: string, until: string): string {
    return createHmac('sha256', this.#secret).update(`${fileId}\n${until}`).digest('base64url');
  }
}
