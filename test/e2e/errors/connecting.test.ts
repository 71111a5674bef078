import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { afterAll, beforeAll, describe, test } from 'vitest';
import type { Agent } from '../../support/agent.ts';
import { startMariadb } from '../../support/mariadb.ts';
import { freePort } from '../../support/ports.ts';
import { startPostgres } from '../../support/postgres.ts';
import type { TestServer } from '../../support/server-process.ts';
import { startTcpProxy } from '../../support/tcp-proxy.ts';
import { type Encrypting, encryptingMariadb, encryptingPostgres } from './certificate.ts';
import { connectionFailure, enter, sharedDesk, type Wanted } from './shown.ts';

/** Every way not to get in, met for real, and shown alike by API, command line and browser. */
const desk = sharedDesk();
const resources = new AsyncDisposableStack();
let agent: Agent;
let silent: number;
/** Whether it says nothing; else it hangs up, so that adding such a server does not wait. */
let quiet = false;
const servers: Record<string, { plain: TestServer; encrypting: Encrypting }> = {};

beforeAll(async () => {
  agent = await desk().homeport.agent('host');
  const [postgres, mariadb, securePostgres, secureMariadb] = await Promise.all([
    startPostgres({ hba: ['host all stranger 127.0.0.1/32 reject'] }),
    startMariadb(),
    encryptingPostgres(),
    encryptingMariadb(),
  ]);
  for (const one of [postgres, mariadb, securePostgres.server, secureMariadb.server]) resources.use(one);
  await mariadb.query(`CREATE USER stranger@'10.9.8.7' IDENTIFIED BY 'stranger'`);
  servers.postgresql = { plain: postgres, encrypting: securePostgres };
  servers.mariadb = { plain: mariadb, encrypting: secureMariadb };
  const listener = createServer((socket) => void (quiet || socket.destroy())).listen(0, '127.0.0.1');
  resources.defer(() => void listener.close());
  await once(listener, 'listening');
  silent = (listener.address() as AddressInfo).port;
}, 90_000);
afterAll(() => resources.disposeAsync());

type Settings = Record<string, unknown>;
interface Row extends Wanted {
  what: string;
  /** To the server that encrypts; else to the plain one. */
  encrypting?: true;
  connection?: Settings | ((encrypting: Encrypting) => Settings | Promise<Settings>);
  password?: string;
  /** What happens once it was added. */
  later?: () => void;
}

/** Rows that differ between the engines only in what listens where. */
function everywhere(listening: RegExp): Row[] {
  return [
    {
      what: 'a port where nobody listens',
      connection: async () => ({ port: await freePort() }),
      code: 'connection_refused',
      message: [/^Nothing accepts connections at 127\.0\.0\.1:\d+\.$/],
      hint: [listening, 'runs there'],
    },
    {
      what: 'a name that does not resolve',
      connection: { host: 'no-such-host.invalid' },
      code: 'unknown_host',
      message: ['“no-such-host.invalid”'],
      hint: ['getent hosts no-such-host.invalid', 'container'],
    },
    {
      what: 'somebody who takes connections and says nothing',
      connection: () => ({ port: silent }),
      later: () => {
        quiet = true;
      },
      code: 'connection_timeout',
      message: [/127\.0\.0\.1:\d+ takes connections, but nothing answered within 10 seconds/],
      hint: ['is the port of', 'hangs or is overloaded'],
    },
    {
      what: 'TLS that the server does not have',
      connection: { tls: 'require' },
      code: 'tls_required',
      message: [/^127\.0\.0\.1:\d+ offers no TLS/],
      hint: ['The server has no TLS', '“Prefer” or “Off”'],
    },
    {
      what: 'a certificate of a CA nobody knows',
      encrypting: true,
      connection: { tls: 'verify-full' },
      code: 'tls_untrusted',
      message: [/^The certificate of 127\.0\.0\.1:\d+ is not trusted: .*self[- ]signed/],
      hint: ['“CA certificate”', 'TLS “Require”'],
    },
    {
      what: 'a certificate for another name',
      encrypting: true,
      connection: ({ certificate }) => ({ tls: 'verify-full', host: 'localhost', ca: certificate }),
      code: 'tls_untrusted',
      hint: ['made for another name than “localhost”'],
    },
  ];
}

const ROWS: Record<string, Row[]> = {
  postgresql: [
    ...everywhere(/listen_addresses in postgresql\.conf/),
    {
      what: 'a wrong password',
      password: 'wrong',
      code: 'access_denied',
      message: ['“postgres”', 'password authentication failed'],
      hint: ['Check user and password', '\\du postgres'],
    },
    {
      what: 'a user that is not there',
      connection: { user: 'nobody_here' },
      code: 'access_denied',
      message: ['“nobody_here”'],
      hint: ['does not exist', '\\du nobody_here'],
    },
    {
      what: 'a host that pg_hba.conf does not let in',
      connection: { user: 'stranger' },
      code: 'access_denied',
      message: ['“stranger”', 'pg_hba.conf'],
      hint: ['“host all stranger 127.0.0.1/32 scram-sha-256”', 'pg_reload_conf()'],
    },
    {
      what: 'the same, where the server has TLS',
      encrypting: true,
      connection: { user: 'stranger' },
      code: 'access_denied',
      hint: ['“host all stranger 127.0.0.1/32 scram-sha-256”'],
    },
    {
      what: 'a plain connection where an encrypted one is wanted',
      encrypting: true,
      connection: { user: 'tls_only' },
      code: 'tls_required',
      message: ['lets “tls_only” in by encrypted connections only'],
      hint: ['Choose TLS “Require” or “Verify”'],
    },
  ],
  mariadb: [
    ...everywhere(/bind-address in its configuration/),
    {
      what: 'a wrong password',
      password: 'wrong',
      code: 'access_denied',
      message: ['“root”', `'root'@'127.0.0.1'`],
      hint: ['Check the password', `'root'@'127.0.0.1'`, 'SELECT user, host FROM mysql.user'],
    },
    {
      what: 'a user that is not there',
      connection: { user: 'nobody_here' },
      code: 'access_denied',
      message: ['“nobody_here”'],
      hint: [`an account for 'nobody_here'@'127.0.0.1'`],
    },
    {
      what: 'an account for another host',
      connection: { user: 'stranger' },
      password: 'stranger',
      code: 'access_denied',
      message: [`'stranger'@'127.0.0.1'`],
      hint: [`an account for 'stranger'@'127.0.0.1'`, `'stranger'@'%' covers every address`],
    },
    {
      what: 'a plain connection where an encrypted one is wanted',
      encrypting: true,
      connection: { user: 'tls_only' },
      password: 'tls',
      // MariaDB 10.11 tells such an account no more than this.
      code: 'access_denied',
      hint: ['requires TLS'],
    },
  ],
};

let count = 0;

describe.each(Object.keys(ROWS))('%s', (engine) => {
  test.each(ROWS[engine] ?? [])(
    '$what: $code',
    async ({ connection, encrypting, later, password, ...wanted }) => {
      const { [engine]: ours } = servers;
      if (!ours) throw new Error(`No ${engine} was started.`);
      const server = encrypting ? ours.encrypting.server : ours.plain;
      const change = typeof connection === 'function' ? await connection(ours.encrypting) : connection;
      count += 1;
      const entry = await enter(desk(), agent, {
        ...{ name: `${engine}-${count}`, server },
        ...(change ? { connection: change } : {}),
        ...(password === undefined ? {} : { password }),
      });
      later?.();
      await connectionFailure(desk(), entry, wanted);
      quiet = false;
    },
  );
});

describe('another server than was meant', () => {
  test.each([
    ['mariadb', 'postgresql', 'PostgreSQL', 'MariaDB', 3306],
    ['postgresql', 'mariadb', 'MariaDB', 'PostgreSQL', 5432],
  ] as const)('added as %s it is %s', async (engine, is, found, meant, port) => {
    const server = servers[is]?.plain as TestServer;
    await using way = await startTcpProxy(server);
    way.refuse(); // else adding it would wait for it as long as testing it does
    const connection = { port: way.port };
    const entry = await enter(desk(), agent, { name: `not-${is}`, server, engine, connection });
    way.mend();
    await connectionFailure(desk(), entry, {
      code: 'wrong_engine',
      message: [`At 127.0.0.1:${way.port} ${found} answers, not ${meant}.`],
      hint: [`Add it as a ${found} server`, `usually ${port}`],
    });
  });

  test('one that says it is older than any that Homeport knows', async () => {
    await using old = await startMariadb({ settings: { version: '5.5.68-MariaDB' } });
    const entry = await enter(desk(), agent, { name: 'old', server: old });
    await connectionFailure(desk(), entry, {
      code: 'server_too_old',
      message: ['The server is MariaDB 5.5.68.'],
      hint: [/Homeport works with MariaDB \d+\.\d+ and later/],
    });
  });
});
