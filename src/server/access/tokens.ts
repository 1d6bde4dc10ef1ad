import { randomBytes } from 'node:crypto';
import { errors, jwtVerify, SignJWT } from 'jose';
import type { Kysely } from 'kysely';
import { z } from 'zod';
import { setting } from '../../database/settings.ts';
import type { Tables } from '../../database/tables.ts';

/** What a token says, by its kind. */
export interface TokenClaims {
  /** Calls apps for its owner: the temporary tokens of browsers. */
  readonly app: { readonly owner: string; readonly apps: readonly string[] };
  /** Uploads and reads files for its owner. */
  readonly cdn: { readonly owner: string };
  /** Fills one reserved file; part of the address that an upload goes to. */
  readonly upload: { readonly file: string };
}

export type TokenKind = keyof TokenClaims;

const claimSchemas: { readonly [Kind in TokenKind]: z.ZodType<TokenClaims[Kind]> } = Object.freeze({
  app: z.object({ owner: z.string(), apps: z.array(z.string()) }),
  cdn: z.object({ owner: z.string() }),
  upload: z.object({ file: z.string() }),
});

/** Signed statements that we make and later believe, without keeping them. */
export interface Tokens {
  /** Good for `seconds` from now. */
  issue<Kind extends TokenKind>(kind: Kind, claims: TokenClaims[Kind], seconds: number): Promise<string>;

  /** Undefined where the token is not ours, of another kind, or over. */
  verify<Kind extends TokenKind>(kind: Kind, token: string): Promise<TokenClaims[Kind] | undefined>;
}

/** Tokens signed with the secret of this installation, which all its processes share. */
export async function openTokens(kysely: Kysely<Tables>): Promise<Tokens> {
  const secret = await setting(kysely, 'token_secret', z.string(), () => randomBytes(32).toString('base64url'));
  return createTokens(Buffer.from(secret, 'base64url'));
}

/** @param secret at least 32 bytes */
export function createTokens(secret: Uint8Array): Tokens {
  return Object.freeze({
    issue: (kind: TokenKind, claims: object, seconds: number) =>
      new SignJWT({ claims })
        .setProtectedHeader({ alg: 'HS256' })
        .setAudience(kind)
        .setExpirationTime(Math.ceil(Date.now() / 1000 + seconds))
        .sign(secret),
    verify: async <Kind extends TokenKind>(kind: Kind, token: string) => {
      try {
        const { payload } = await jwtVerify(token, secret, {
          audience: kind,
          algorithms: ['HS256'],
          requiredClaims: ['exp'],
        });
        return claimSchemas[kind].parse(payload.claims);
      } catch (error) {
        if (error instanceof errors.JOSEError) return undefined;
        throw error;
      }
    },
  });
}
