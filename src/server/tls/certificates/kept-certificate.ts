import { createSecureContext, type SecureContext } from 'node:tls';
import type { ServerCertificate } from './server-certificate.ts';

/** Milliseconds between two looks at the certificate. */
const interval = 86_400_000;

export interface KeptCertificate extends Disposable {
  /** With the certificate of the day. */
  context(): SecureContext;
}

/** Asks for a certificate now and once a day; when that fails, `onError` is told and the last one stays in use. */
export async function keepCertificate(
  certificate: () => Promise<ServerCertificate>,
  onError: (error: unknown) => void,
): Promise<KeptCertificate> {
  const read = async (): Promise<SecureContext> => {
    const { certificate: cert, privateKey: key } = await certificate();
    return createSecureContext({ cert, key });
  };
  let context = await read();
  const renew = async (): Promise<void> => {
    try {
      context = await read();
    } catch (error) {
      onError(error);
    }
  };
  const timer = setInterval(renew, interval).unref();
  return { context: () => context, [Symbol.dispose]: () => clearInterval(timer) };
}
