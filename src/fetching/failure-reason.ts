import { errors } from 'undici';
import { errorCode } from '../shared/system-code.ts';

/** A connection that the address guard did not allow. */
export class AddressRefusal extends Error {
  override readonly name = 'AddressRefusal';
  readonly host: string;

  constructor(host: string) {
    super(`${host} is not a public address`);
    this.host = host;
  }
}

/** By the codes of the operating system, Node's TLS and undici. */
const reasons: Readonly<Record<string, string>> = Object.freeze({
  ENOTFOUND: 'there is no such host',
  EAI_AGAIN: 'its host name cannot be resolved at the moment',
  ECONNREFUSED: 'its server refuses connections',
  ECONNRESET: 'its server closed the connection early',
  EPIPE: 'its server closed the connection early',
  UND_ERR_SOCKET: 'its server closed the connection early',
  EHOSTUNREACH: 'its server cannot be reached',
  ENETUNREACH: 'its server cannot be reached',
  EADDRNOTAVAIL: 'its server cannot be reached',
  ETIMEDOUT: 'its server does not answer',
  UND_ERR_CONNECT_TIMEOUT: 'its server does not answer',
  UND_ERR_HEADERS_TIMEOUT: 'its server took the request but sent no answer',
  UND_ERR_BODY_TIMEOUT: 'its server stopped sending',
  UND_ERR_HEADERS_OVERFLOW: 'its server sent too many headers',
  UND_ERR_RES_CONTENT_LENGTH_MISMATCH: 'it arrived incomplete',
  CERT_HAS_EXPIRED: 'the TLS certificate of its server has expired',
  ERR_TLS_CERT_ALTNAME_INVALID: 'the TLS certificate of its server is for another host',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'the TLS certificate of its server is not trusted',
  SELF_SIGNED_CERT_IN_CHAIN: 'the TLS certificate of its server is not trusted',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'the TLS certificate of its server is not trusted',
  UNABLE_TO_GET_ISSUER_CERT: 'the TLS certificate of its server is not trusted',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'the TLS certificate of its server is not trusted',
});

const reasonsByPrefix: readonly (readonly [prefix: RegExp, reason: string])[] = [
  [/^(?:ERR_TLS|ERR_SSL|EPROTO|CERT_|UNABLE_)/, 'no TLS connection to its server could be made'],
  [/^(?:Z_|ERR__ERROR_|ERR_BROTLI|ERR_PADDING|ERR_ZSTD|ZSTD_)/, 'its compressed content is damaged'],
  [/^UND_ERR_|^E[A-Z]+$/, 'the connection to its server failed'],
];

/**
 * Why a transfer failed, in words for the caller; nothing about this machine and its network.
 *
 * @returns undefined for errors that have nothing to do with the transfer
 */
export function failureReason(error: unknown): string | undefined {
  if (error instanceof errors.HTTPParserError) return 'its server does not speak HTTP';
  const code = codeOf(error);
  if (code === undefined) return undefined;
  return reasons[code] ?? reasonsByPrefix.find(([prefix]) => prefix.test(code))?.[1];
}

function codeOf(error: unknown): string | undefined {
  const code = errorCode(error);
  if (code !== undefined) return code;
  // Several addresses were tried.
  return error instanceof AggregateError ? codeOf(error.errors[0]) : undefined;
}
