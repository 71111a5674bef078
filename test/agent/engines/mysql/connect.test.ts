import { once } from 'node:events';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { networkInterfaces } from 'node:os';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { connect, type MysqlServer } from '../../../../agent/engines/mysql/connect.ts';
import { mysqlDriver } from '../../../../agent/engines/mysql/driver.ts';
import { identify } from '../../../../agent/engines/mysql/identify.ts';
import { failureOf, operation } from '../../../contract/captured.ts';
import type { TestMysql } from '../../../support/mysql-family.ts';
import { account, driver, flavour, login, start } from './world.ts';

let server: TestMysql;
beforeAll(async () => {
  server = await start({
    bind_address: '0.0.0.0',
    skip_name_resolve: '0',
    max_connect_errors: '3',
    performance_schema: 'ON',
  });
}, 60_000);
afterAll(() => server?.stop());

const anySignal = () => new AbortController().signal;

/** A listener that answers every connection with the same bytes. */
async function answering(bytes: Buffer | undefined): Promise<{ port: number; listener: Server }> {
  const listener = createServer((socket) => {
    socket.on('error', () => {});
    if (bytes) socket.write(bytes);
  }).listen(0, '127.0.0.1');
  await once(listener, 'listening');
  return { port: (listener.address() as AddressInfo).port, listener };
}

describe('logging in', () => {
  test('a server of the other product is refused, and said so', async () => {
    const other = mysqlDriver({ flavour: flavour === 'mysql' ? 'mariadb' : 'mysql' });
    expect(await failureOf(other.probe(login(server) as MysqlServer, operation()))).toMatchObject({
      code: 'wrong_engine',
      hint: expect.stringContaining('Add it as a'),
    });
  });

  test('one that takes connections and never greets times out', async () => {
    const { port, listener } = await answering(undefined);
    const failure = await failureOf(driver.probe(login(server, { port }), operation()));
    expect(failure).toMatchObject({ code: 'connection_timeout', retryable: true });
    listener.close();
  }, 20_000);

  test('cancelling cuts a question under way, and a login that waits', async () => {
    const stop = new AbortController();
    await using session = await connect(login(server) as MysqlServer, flavour, { signal: stop.signal });
    const [id] = await session.rows<{ id: string }>('SELECT CONNECTION_ID() AS id');
    const asked = failureOf(session.rows('SELECT SLEEP(1000)'));
    const asleep = async () =>
      (
        await server.query(`SELECT INFO FROM information_schema.PROCESSLIST WHERE ID = ?`, undefined, [
          id?.id,
        ])
      )[0]?.INFO;
    await expect.poll(asleep).toContain('SLEEP');
    stop.abort();
    expect((await asked).code).toBe('cancelled');
    const { port, listener } = await answering(undefined);
    const late = new AbortController();
    const waiting = failureOf(driver.probe(login(server, { port }), operation(late.signal)));
    await once(listener, 'connection');
    late.abort();
    expect((await waiting).code).toBe('cancelled');
    listener.close();
  });

  test('a unix socket is a host', async () => {
    const facts = await driver.probe(login(server, { host: server.socket }), operation());
    expect(facts).toMatchObject({ tls: false, user: expect.stringContaining('root@') });
  });

  test('a hostile server gets no file of the agent’s', async () => {
    await using session = await connect(login(server) as MysqlServer, flavour, { signal: anySignal() });
    await server.query('CREATE DATABASE files; CREATE TABLE files.t (line text)');
    await failureOf(session.run(`LOAD DATA LOCAL INFILE '/etc/hostname' INTO TABLE files.t`));
    expect(await server.query('SELECT line FROM files.t')).toEqual([]);
  });

  test.each(['x', `a"b'c\\d#e`, ' blanks ', 'ünï\nnl', '\\'])('with the password %j', async (password) => {
    await server.query(`DROP USER IF EXISTS 'p'@'%'`);
    await server.query(`CREATE USER 'p'@'%' IDENTIFIED BY ?`, undefined, [password]);
    await server.query(
      `CREATE DATABASE IF NOT EXISTS open_one; GRANT SELECT, EVENT ON open_one.* TO 'p'@'%'`,
    );
    for (const tls of flavour === 'mysql' ? ['off', 'require'] : ['off']) {
      const as = login(server, { user: 'p', tls }, password);
      expect((await driver.probe(as, operation())).user).toBe('p@%');
      const nothing = async (_: unknown, body: AsyncIterable<Uint8Array>) => {
        for await (const _chunk of body);
      };
      await driver.dump(
        as,
        { database: 'open_one', selection: { include: [], exclude: [] } },
        nothing,
        operation(),
      );
    }
  });
});

describe('identify', () => {
  const greeting = (version: string) => {
    const body = Buffer.concat([Buffer.from([10]), Buffer.from(`${version}\0`), Buffer.alloc(40)]);
    return Buffer.concat([Buffer.from([body.length, 0, 0, 0]), body]);
  };

  test('tells version and product, over TCP and socket, to the product asked for alone', async () => {
    const { port, socket } = server;
    const { version } = await driver.probe(login(server), operation());
    for (const endpoint of [{ host: '127.0.0.1', port }, { path: socket }]) {
      expect(await identify(endpoint, flavour, anySignal())).toEqual({ version });
      expect(
        await identify(endpoint, flavour === 'mysql' ? 'mariadb' : 'mysql', anySignal()),
      ).toBeUndefined();
    }
  });

  test('locks no host out, however often', async () => {
    const outside = Object.values(networkInterfaces())
      .flat()
      .find((one) => one && !one.internal && one.family === 'IPv4');
    // Loopback is not counted by the server, so only a machine with another address proves something here.
    const host = outside?.address ?? '127.0.0.1';
    for (let times = 0; times < 6; times += 1) {
      expect(await identify({ host, port: server.port }, flavour, anySignal())).toBeDefined();
    }
    const counted = await server.query(
      `SELECT SUM(SUM_CONNECT_ERRORS) AS errors FROM performance_schema.host_cache`,
    );
    expect(Number(counted[0]?.errors ?? 0)).toBe(0);
    const as = await account(server, 'after_all');
    expect((await driver.probe({ ...as, connection: { ...as.connection, host } }, operation())).user).toBe(
      'after_all@%',
    );
  });

  test.each([
    ['an HTTP server', Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n')],
    ['an SSH server', Buffer.from('SSH-2.0-OpenSSH_9.2\r\n')],
    ['a greeting without a version', greeting('hello')],
    ['a greeting cut short', Buffer.from([9, 0, 0, 0, 10, 56, 46, 48])],
    ['an error of another kind', Buffer.from([3, 0, 0, 0, 0xff, 1, 0])],
  ])('is not fooled by %s', async (_, bytes) => {
    const { port, listener } = await answering(bytes);
    const stop = new AbortController();
    const met = identify({ host: '127.0.0.1', port }, flavour, stop.signal);
    await once(listener, 'connection').then(() => setImmediate(() => setTimeout(() => stop.abort(), 200)));
    expect(await met).toBeUndefined();
    listener.close();
  });
});
