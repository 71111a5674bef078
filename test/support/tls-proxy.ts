import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { createConnection } from 'node:net';
import { join } from 'node:path';
import { createServer, type TLSSocket } from 'node:tls';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** A TLS front for a plain port, as Caddy or nginx stands before a control plane. */
export interface TlsProxy extends AsyncDisposable {
  readonly port: number;
  /** Certificate to trust, e.g. by `NODE_EXTRA_CA_CERTS`. */
  readonly certificateFile: string;
  /** How many connections were ever accepted. */
  accepted(): number;
}

/** @param input.host address to listen on and to certify; `input.name`: a host name to certify besides */
export async function startTlsProxy(input: {
  host: string;
  targetPort: number;
  directory: string;
  name?: string;
  /** PEM, instead of one that is made here. */
  certificate?: { key: string; cert: string };
}): Promise<TlsProxy> {
  const certificateFile = join(input.directory, 'tls.crt');
  const keyFile = join(input.directory, 'tls.key');
  const names = [`IP:${input.host}`, ...(input.name ? [`DNS:${input.name}`] : [])].join();
  const subject = ['-subj', '/CN=homeport test', '-addext', `subjectAltName=${names}`];
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', keyFile];
  if (input.certificate) {
    await writeFile(keyFile, input.certificate.key);
    await writeFile(certificateFile, input.certificate.cert);
  } else {
    await run('openssl', ['req', '-x509', '-days', '2', ...key, '-out', certificateFile, ...subject]);
  }
  let accepted = 0;
  const live = new Set<TLSSocket>();
  const server = createServer({ key: await readFile(keyFile), cert: await readFile(certificateFile) });
  server.on('secureConnection', (client) => {
    accepted += 1;
    live.add(client);
    const target = createConnection({ host: '127.0.0.1', port: input.targetPort });
    client.pipe(target).pipe(client);
    client.on('error', () => target.destroy()).on('close', () => target.destroy() && live.delete(client));
    target.on('error', () => client.destroy()).on('close', () => client.destroy());
  });
  await new Promise<void>((resolve, reject) =>
    server.once('error', reject).listen(0, input.host, () => resolve()),
  );
  const address = server.address();
  return {
    port: typeof address === 'object' && address ? address.port : 0,
    certificateFile,
    accepted: () => accepted,
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const client of live) client.destroy();
      }),
  };
}
