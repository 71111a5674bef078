import { readFile } from 'node:fs/promises';
import { fail } from '../protocol/failure.ts';
import type { Config } from './config.ts';
import type { TlsIdentity } from './listener.ts';

/** Certificate and key to serve with; undefined where it is plain HTTP. @throws FailureError `invalid_input` */
export async function readTls({ tls }: Config): Promise<TlsIdentity | undefined> {
  const read = (path: string) =>
    readFile(path, 'utf8').catch((cause: unknown) => {
      const hint = 'HOMEPORT_TLS_CERTIFICATE and HOMEPORT_TLS_KEY name files that this process may read.';
      throw fail('invalid_input', `${path} cannot be read: ${(cause as Error).message}.`, hint, { cause });
    });
  return tls && { cert: await read(tls.certificateFile), key: await read(tls.keyFile) };
}
