import { afterAll, beforeAll, describe, expect } from 'vitest';
import type { Agent } from '../support/agent.ts';
import { ApiError } from '../support/api.ts';
import type { ApiServer } from '../support/api-shapes.ts';
import { checksums } from '../support/checksums.ts';
import { type Homeport, startHomeport } from '../support/harness.ts';
import { type Namespace, reachable } from '../support/network.ts';
import type { TestPostgres } from '../support/postgres.ts';
import { addServer, backUp, protect, restore, sealedFor } from '../support/protect.ts';
import { startSecluded } from '../support/secluded.ts';
import { createShop } from '../support/shop.ts';
import type { TlsProxy } from '../support/tls-proxy.ts';
import { privilegedTest } from './world.ts';

/**
 * Agent and database live in a network that nothing can enter and that has one way out: the control plane's
 * port, behind TLS as in real life. What runs in there is real processes; the test only looks on.
 */
describe('behind NAT', () => {
  const resources = new AsyncDisposableStack();
  let namespace: Namespace;
  let tls: TlsProxy;
  let homeport: Homeport;
  let postgres: TestPostgres;
  let agent: Agent;
  let server: ApiServer;

  beforeAll(async () => {
    if (process.getuid?.() !== 0 && !process.env.HOMEPORT_CI) return;
    const secluded = await startSecluded(resources);
    ({ namespace, postgres, tls } = secluded);
    const { publicUrl } = secluded.controlPlane;
    homeport = resources.use(await startHomeport({ controlPlane: secluded.controlPlane }));
    await namespace.allowOnly(tls.port);
    agent = await homeport.agent('inside', {
      url: publicUrl,
      prefix: namespace.prefix,
      env: { NODE_EXTRA_CA_CERTS: tls.certificateFile },
    });
    server = await addServer(homeport.api, agent, { name: 'inside', server: postgres });
    await createShop(postgres, 'shop', 5000);
  });
  afterAll(() => resources.disposeAsync());

  privilegedTest('backup and restore work over the connection the agent opened', async () => {
    const database = await protect(homeport.api, server.id, 'shop');
    const { snapshot } = await backUp(homeport.api, database.id);
    await restore(homeport.api, snapshot.id, { serverId: server.id, plan: { targetDatabase: 'back' } });
    expect(await checksums(postgres, 'back')).toEqual(await checksums(postgres, 'shop'));
    expect(tls.accepted()).toBeGreaterThan(0);
  });

  privilegedTest('nobody gets in; without the wall the same probe does', async () => {
    expect(await reachable(namespace.address, postgres.port)).toBe(false);
    await namespace.open();
    expect(await reachable(namespace.address, postgres.port)).toBe(true);
    await namespace.allowOnly(tls.port);
    expect(await reachable(namespace.address, postgres.port)).toBe(false);
  });

  privilegedTest('an address whose packets vanish is a connection_timeout', async () => {
    const sealed = await sealedFor(homeport.api, agent, {
      serverId: server.id,
      server: postgres,
      connection: { host: '192.0.2.1' },
    });
    const probe = homeport.api.post('/servers/probe', { agentId: agent.id, serverId: server.id, sealed });
    const error = await probe.then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    expect(error).toBeInstanceOf(ApiError);
    expect((error as ApiError).failure.code).toBe('connection_timeout');
  });
});
