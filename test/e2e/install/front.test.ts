import { copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, vi } from 'vitest';
import { makeCertificate } from '../../support/certificates.ts';
import { checksums } from '../../support/checksums.ts';
import { type Child, startChild } from '../../support/child.ts';
import { type CleanHost, startCleanHost } from '../../support/clean-host.ts';
import { eventually } from '../../support/eventually.ts';
import { createNamespace, type Namespace } from '../../support/network.ts';
import { builtPackage } from '../../support/package.ts';
import { startPostgres, type TestPostgres } from '../../support/postgres.ts';
import { builtRelease } from '../../support/release.ts';
import { createShop } from '../../support/shop.ts';
import { documented } from '../../vault-format/documents.ts';
import { privilegedTest } from '../world.ts';
import { isRoot } from './world.ts';

// Each installs whole programs, and waits for them.
vi.setConfig({ testTimeout: 300_000 });

const NAME = 'backups.example.org';
const CADDY_ROOT = '/var/lib/caddy/.local/share/caddy/pki/authorities/local/root.crt';
const CERTIFICATES = `/etc/letsencrypt/live/${NAME}`;
const OWN_AUTHORITY = '/usr/local/share/ca-certificates/own.crt';

/** A line of the documents, for root, who needs no sudo. */
const asRoot = (script: string) => script.replaceAll('sudo ', '');
/** The same, in the folder of the packed control plane, where nobody answers questions. */
const inPackage = (script: string) => `cd /package && ${asRoot(script).trimEnd()} </dev/null`;

/** A server with a network of its own, and a host of an agent that knows it by its name. */
describe('TLS before an installed control plane', () => {
  const resources = new AsyncDisposableStack();
  let namespace: Namespace;
  let server: CleanHost;
  let host: CleanHost;
  let postgres: TestPostgres;
  let directory: string;
  let running: Child | undefined;

  beforeAll(async () => {
    if (!isRoot) return;
    directory = await mkdtemp(join(tmpdir(), 'homeport-front-'));
    resources.defer(() => rm(directory, { recursive: true, force: true }));
    namespace = resources.use(await createNamespace());
    server = resources.use(
      await startCleanHost({
        boot: true,
        network: namespace.name,
        shows: { '/package': await builtPackage((await builtRelease()).directory) },
        prepare: `apt-get -qq update
DEBIAN_FRONTEND=noninteractive apt-get -qq -y --no-install-recommends install caddy libatomic1 2>&1`,
      }),
    );
    await server.shell(`echo '127.0.0.1 ${NAME}' >>/etc/hosts`);
    host = resources.use(await startCleanHost());
    await host.shell(`echo '${namespace.address} ${NAME}' >>/etc/hosts`);
    const libraries = '/usr/lib/x86_64-linux-gnu';
    await copyFile(`${libraries}/libatomic.so.1`, join(host.root, libraries, 'libatomic.so.1'));
    postgres = await startPostgres({ root: host.root });
    await createShop(postgres, 'shop', 2_000);
  }, 600_000);
  afterAll(async () => {
    await running?.end('SIGKILL');
    await postgres?.stop();
    await resources.disposeAsync();
  });

  const done = async (on: CleanHost, script: string, input = '') => {
    const { code, output } = await on.shell(script, { input });
    if (code !== 0) throw new Error(`${script}\nended with ${code}:\n${output}`);
    return output;
  };
  /** The command line on the server itself, by the address that everybody uses. */
  const homeport = (args: string) =>
    done(server, `NODE_EXTRA_CA_CERTS=/root/authority.crt homeport ${args} </dev/null`);
  const login = async () => {
    await done(server, '(umask 077 && homeport api-key create --name test >/root/key)');
    await homeport(`login --url https://${NAME} --key-file /root/key`);
  };
  const putCertificate = async ({ cert, key }: { cert: string; key: string }) => {
    await writeFile(join(server.root, CERTIFICATES, 'fullchain.pem'), cert);
    await writeFile(join(server.root, CERTIFICATES, 'privkey.pem'), key, { mode: 0o600 });
  };
  const trust = async (authority: string) => {
    await copyFile(authority, join(server.root, 'root/authority.crt'));
    await copyFile(authority, join(host.root, OWN_AUTHORITY));
    await done(host, 'update-ca-certificates --fresh');
  };
  /** Installs an agent by the command that is printed for it, and starts it. */
  const addAgent = async (name: string, typed = (command: string) => ({ command, input: '' })) => {
    const { command, input } = typed(await homeport(`add-agent ${name} 2>/dev/null`));
    expect(await done(host, asRoot(command), input)).toContain(`The agent can connect to https://${NAME}`);
    const place = ['env', '-i', 'PATH=/usr/bin:/bin', '/usr/local/bin/homeport-agent', 'run'];
    running = startChild({
      name: 'installed',
      command: [...host.prefix, ...place] as [string, ...string[]],
      env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin' },
      logDirectory: directory,
    });
    await eventually(`${name} is online, with what it found on its host`, async () => {
      const agents = JSON.parse(await homeport('agents --json')) as {
        name: string;
        state: string;
        inventory: { hostname: string } | null;
      }[];
      return agents.some((one) => one.name === name && one.state === 'online' && one.inventory !== null);
    });
  };
  /** As README has the command; the token of the printed one is typed. */
  const asInReadme = (printed: string) => {
    const [, sha256 = ''] = /echo '([0-9a-f]{64}) /.exec(printed) ?? [];
    const [token = ''] = /^hpe_.*$/m.exec(printed) ?? [];
    const command = documented('README.md', 'Five minutes to the first real backup', 2);
    return { command: command.replace('<its SHA-256>', sha256), input: `${token}\n` };
  };
  const handshake = async () => /^ok +Handshake.*$/m.exec(await done(host, 'homeport-agent doctor'))?.[0];

  privilegedTest('by Debian’s Caddy, with the example as it is but for its own authority', async () => {
    await done(server, inPackage(documented('docs/running.md', 'Install')));
    await done(
      server,
      `set -e
${asRoot(documented('docs/running.md', 'By Caddy')).replace('YOUR.NAME', NAME)}
sed -i 's/# tls internal/tls internal/' /etc/caddy/Caddyfile
caddy validate --config /etc/caddy/Caddyfile 2>&1 && systemctl reload caddy`,
    );
    await eventually('Caddy serves Homeport', async () => {
      const { code } = await server.shell(`curl -fsS --cacert ${CADDY_ROOT} https://${NAME}/healthz`);
      return code === 0;
    });
    await trust(join(server.root, CADDY_ROOT));
    await login();
  });

  privilegedTest('agents’ sockets pass it, and the control plane knows whom it speaks to', async () => {
    await addAgent('behind-caddy');
    // The server's end of the cable sees this machine's: not Caddy, which is on its loopback.
    expect(await handshake()).toContain(`connected from ${namespace.hostAddress}`);
    const direct = await host.shell(`curl -sS --max-time 5 http://${namespace.address}:7433/healthz`);
    expect(direct).toMatchObject({ code: 7 });
  });

  privilegedTest('backup and restore pass through it', async () => {
    const { host: address, password, port, superuser } = postgres;
    const add = `server add main --engine postgresql --host ${address} --port ${port} --user ${superuser}`;
    await done(host, `homeport-agent ${add}`, `${password}\n`);
    await eventually('the control plane knows the server', async () =>
      (await homeport('servers --json')).includes('"main"'),
    );
    await homeport('protect main shop');
    await homeport('backup main/shop --wait');
    await homeport('restore latest --of main/shop --to main --as shop_copy --wait');
    expect(await checksums(postgres, 'shop_copy')).toEqual(await checksums(postgres, 'shop'));
  });

  privilegedTest('by itself: the key stays root’s, the port is below 1024', async () => {
    await running?.end('SIGTERM');
    await done(host, 'sh homeport-install.sh --uninstall');
    await done(server, 'sh /opt/homeport/install.sh control-plane --uninstall --remove-data');
    await done(server, 'systemctl disable --now caddy 2>&1');
    const { cert, key } = await makeCertificate({ names: [`DNS:${NAME}`] });
    await writeFile(join(directory, 'own.crt'), cert);
    await mkdir(join(server.root, CERTIFICATES), { recursive: true });
    await putCertificate({ cert, key });
    const install = inPackage(documented('docs/running.md', 'By itself'));
    expect(await done(server, install)).not.toContain('A proxy before it');
    expect(await done(server, 'homeport healthy')).toContain('port 443');
    const unit = '/etc/systemd/system/homeport.service';
    expect(await done(server, `systemd-analyze verify ${unit}`)).toBe('');
    expect(await done(server, 'stat -c %U /proc/$(systemctl show -P MainPID homeport)')).toBe('homeport\n');
    expect(await done(server, install)).toContain('it is this build already');
    await trust(join(directory, 'own.crt'));
    await login();
    await addAgent('without-a-proxy', asInReadme);
    expect(await handshake()).toContain(`connected from ${namespace.hostAddress}`);
  });

  privilegedTest(
    'a renewed certificate is taken at the next start; one of another name is refused',
    async () => {
      const renewed = await makeCertificate({ names: [`DNS:${NAME}`] });
      const put = async ({ cert, key }: { cert: string; key: string }) => {
        await putCertificate({ cert, key });
        await done(server, asRoot(documented('docs/running.md', 'By itself', 1)));
      };
      await put(renewed);
      expect(await done(server, 'homeport healthy --wait 60')).toContain('serves');
      await put(await makeCertificate({ names: ['DNS:other.example.org'] }));
      await eventually('healthy says what is wrong', async () => {
        const { code, output } = await server.shell('homeport healthy');
        return code === 5 && output.includes('other.example.org');
      });
      await done(server, 'sh /opt/homeport/install.sh control-plane --uninstall --remove-data');
      expect(server.changes().filter((path) => path.includes('homeport'))).toEqual([]);
    },
  );
});
