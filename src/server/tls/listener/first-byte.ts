import type { Duplex } from 'node:stream';

/** A TLS record of the kind `handshake`, the first thing a TLS client sends. */
const handshake = 0x16;

/**
 * Waits for the connection's first byte and tells whether TLS follows, or `false` when the connection is closed or
 * nothing comes in time (milliseconds). The byte stays unread.
 */
export function firstByte(socket: Duplex, limit: number, found: (isTls: boolean) => void): void {
  const timer = setTimeout(() => socket.destroy(), limit);
  const stop = (): void => {
    clearTimeout(timer);
    socket.off('readable', look).off('end', leave).off('close', stop);
  };
  const leave = (): void => {
    stop();
    socket.destroy();
  };
  const look = (): void => {
    const chunk: Buffer | null = socket.read();
    if (chunk === null) return;
    stop();
    socket.unshift(chunk);
    found(chunk[0] === handshake);
  };
  socket.on('readable', look).on('end', leave).on('close', stop);
}
