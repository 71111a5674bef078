import { connect } from 'node:net';
import type { Endpoint, Greeting } from '../driver.ts';

/** A startup packet that asks whether the server encrypts by GSSAPI: every server since 12 answers in one byte. */
const QUESTION = Buffer.from([0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x30]);

/**
 * Whether a PostgreSQL server answers at `endpoint`. Nothing is logged in to, and the server logs nothing: it takes
 * a client that leaves here for one that has changed its mind. The version shows only after a login.
 */
export function identify(endpoint: Endpoint, signal: AbortSignal): Promise<Greeting | undefined> {
  return new Promise((resolve) => {
    const socket = connect(endpoint);
    const answer = (greeting: Greeting | undefined) => {
      signal.removeEventListener('abort', none);
      socket.destroy();
      resolve(greeting);
    };
    const none = () => answer(undefined);
    signal.addEventListener('abort', none, { once: true });
    if (signal.aborted) none();
    socket.once('error', none);
    socket.once('close', none);
    socket.once('connect', () => socket.write(QUESTION));
    socket.once('data', (bytes: Buffer) => {
      const known = bytes.length === 1 && (bytes[0] === 0x4e || bytes[0] === 0x47); // N or G
      answer(known ? { version: null } : undefined);
    });
  });
}
