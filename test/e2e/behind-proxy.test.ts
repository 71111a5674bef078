import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect } from 'vitest';
import { type Agent, runAgentCli } from '../support/agent.ts';
import type { ApiServer } from '../support/api-shapes.ts';
import { checksums } from '../support/checksums.ts';
import { type ConnectProxy, startConnectProxy } from '../support/connect-proxy.ts';
import { type Homeport, startHomeport } from '../support/harness.ts';
import type { Namespace } from '../support/network.ts';
import type { TestPostgres } from '../support/postgres.ts';
import { addServer, backUp, protect, restore } from '../support/protect.ts';
import { startSecluded } from '../support/secluded.ts';
import { createShop } from '../support/shop.ts';
import type { TlsProxy } from '../support/tls-proxy.ts';
import { privilegedTest } from './world.ts';

const LOGIN = 'agent:over-the-hills';

/** Agent and database live in a network whose only way out is an HTTP proxy that wants a login. */
describe('behind a proxy', () => {
  const resources = new AsyncDisposableStack();
  let namespace: Namespace;
  let proxy: ConnectProxy;
  let tls: TlsProxy;
  let homeport: Homeport;
  let postgres: TestPostgres;
  let agent: Agent;
  let server: ApiServer;
  let config: string;
  let publicUrl: string;

  const address = (login: string) => `http://${login}@${namespace.hostAddress}:${proxy.port}`;
  const configure = (login: string) => writeFile(config, `proxy = "${address(login)}"\n`, { mode: 0o600 });

  beforeAll(async () => {
    if (process.getuid?.() !== 0 && !process.env.HOMEPORT_CI) return;
    const secluded = await startSecluded(resources);
    ({ namespace, postgres, tls } = secluded);
    ({ publicUrl } = secluded.controlPlane);
    proxy = resources.use(await startConnectProxy({ host: namespace.hostAddress, login: LOGIN }));
    homeport = resources.use(await startHomeport({ controlPlane: secluded.controlPlane }));
    await namespace.allowOnly(proxy.port);
    config = join(homeport.directory, 'agent.toml');
    await configure(LOGIN);
    agent = await homeport.agent('inside', { url: publicUrl, ...surroundings() });
    server = await addServer(homeport.api, agent, { name: 'inside', server: postgres });
    await createShop(postgres, 'shop', 5000);
  });
  afterAll(() => resources.disposeAsync());

  function surroundings(env: Record<string, string> = { HOMEPORT_AGENT_CONFIG: config }) {
    return {
      prefix: namespace.prefix,
      env: { NODE_EXTRA_CA_CERTS: tls.certificateFile, ...env },
    };
  }

  /** What `homeport-agent enrol` of another agent in there says; it must not succeed. */
  async function enrolmentRefused(env: Record<string, string>): Promise<string> {
    const { token } = await homeport.api.post<{ token: string }>('/enrolment-tokens', {});
    const options = {
      name: 'other',
      state: join(homeport.directory, 'other'),
      logDirectory: join(homeport.directory, 'logs'),
      ...surroundings(env),
    };
    const outcome = await runAgentCli(options, ['enrol', '--url', publicUrl], token).catch(String);
    expect(outcome).toContain('ended with 1');
    return outcome;
  }

  privilegedTest('backup and restore go through it, TLS from end to end', async () => {
    const database = await protect(homeport.api, server.id, 'shop');
    const { snapshot } = await backUp(homeport.api, database.id);
    await restore(homeport.api, snapshot.id, { serverId: server.id, plan: { targetDatabase: 'back' } });
    expect(await checksums(postgres, 'back')).toEqual(await checksums(postgres, 'shop'));
    // The socket, the enrolment and the transfers: each in tunnels to the control plane, and nowhere else.
    expect(proxy.opened.length).toBeGreaterThan(2);
    expect([...new Set(proxy.opened)]).toEqual([`${namespace.hostAddress}:${tls.port}`]);
    expect(proxy.bytesOut()).toBeGreaterThan(snapshot.storedBytes);
    expect(tls.accepted()).toBe(proxy.opened.length);
    expect(agent.process().output()).not.toContain('over-the-hills');
  });

  privilegedTest('the proxy that the environment names is taken as well', async () => {
    const said = await enrolmentRefused({ HTTPS_PROXY: address('agent:wrong-secret') });
    expect(said).toContain('proxy_login_required');
    expect(said).toContain('HTTPS_PROXY');
    expect(said).not.toContain('wrong-secret');
    expect(proxy.refused).toContain(407);
  });

  privilegedTest('the doctor says how it gets out, and that it does', async () => {
    const said = await agent.cli(['doctor']);
    expect(said).toMatch(/^ok {8}Proxy: “proxy” in .* names http:\/\/10\..*; it opens a tunnel/m);
    expect(said).toMatch(/^ok {8}Certificate of the control plane: /m);
    expect(said).toMatch(/^ok {8}Handshake with the control plane: .* connected from /m);
    expect(said).not.toContain('over-the-hills');
  });

  privilegedTest('without the proxy there is no way out', async () => {
    expect(await enrolmentRefused({})).toContain('control_plane_unreachable');
  });

  privilegedTest('an agent whose login the proxy no longer takes says so, and comes back', async () => {
    await agent.stop();
    await configure('agent:wrong-secret');
    agent.start();
    await agent.process().printed(/proxy_login_required/);
    expect(agent.process().output()).toContain('Put user and password into the proxy’s address');
    await agent.stop();
    expect(agent.process().output()).not.toContain('wrong-secret');
    await configure(LOGIN);
    agent.start();
    await agent.online();
  });
});
