import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { createNamespace, type Namespace } from './network.ts';
import { freePort } from './ports.ts';
import { startPostgres, type TestPostgres } from './postgres.ts';
import { startTlsProxy, type TlsProxy } from './tls-proxy.ts';

/** A network with a database in it, and a control plane's place outside of it. What may leave it is for the test to say. */
export interface Secluded {
  namespace: Namespace;
  postgres: TestPostgres;
  /** TLS before the control plane, at an address that the network can reach. */
  tls: TlsProxy;
  /** Port for the control plane to listen on, and the address it is known by. */
  controlPlane: { port: number; publicUrl: string };
}

export async function startSecluded(resources: AsyncDisposableStack): Promise<Secluded> {
  const namespace = resources.use(await createNamespace());
  const postgres = resources.use(
    await startPostgres({
      namespace: namespace.name,
      settings: { listen_addresses: '*' },
      hba: ['host all all 0.0.0.0/0 scram-sha-256'],
    }),
  );
  const directory = join(postgres.directory, 'tls');
  await mkdir(directory);
  const port = await freePort();
  const tls = resources.use(
    await startTlsProxy({ host: namespace.hostAddress, targetPort: port, directory }),
  );
  const publicUrl = `https://${namespace.hostAddress}:${tls.port}`;
  return { namespace, postgres, tls, controlPlane: { port, publicUrl } };
}
