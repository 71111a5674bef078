import { createServer } from 'node:http';
import { createServer as createTcpServer } from 'node:net';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { parseProxy } from '../../../agent/connection/proxy.ts';
import { lookAtWay } from '../../../agent/doctor/way.ts';
import type { CheckResult } from '../../../protocol/doctor.ts';
import { startWorld, type World } from '../../control-plane/world.ts';
import { temporaryState } from '../../support/agent-at-peer.ts';
import { type CertificateWish, days, makeCertificate } from '../../support/certificates.ts';
import { startConnectProxy } from '../../support/connect-proxy.ts';
import { freePort } from '../../support/ports.ts';
import { startTlsProxy } from '../../support/tls-proxy.ts';

let world: World;
beforeAll(async () => {
  world = await startWorld();
});
afterAll(() => world[Symbol.asyncDispose]());

const direct = { proxy: undefined, why: 'no proxy is configured' };

/** `name verdict` of each check, and the checks by the last part of their id. */
async function walk(url: string, route: Parameters<typeof lookAtWay>[1] = direct) {
  const checks = await lookAtWay(new URL(url), route);
  const name = ({ id }: CheckResult) => id.split('.')[1] ?? '';
  return {
    verdicts: checks.map((check) => `${name(check)} ${check.verdict}`),
    check: Object.fromEntries(checks.map((check) => [name(check), check])) as Record<string, CheckResult>,
  };
}

/** The control plane behind TLS with such a certificate. */
async function behindTls(wish: CertificateWish, trusted = true): Promise<number> {
  const state = await temporaryState();
  onTestFinished(() => state[Symbol.asyncDispose]());
  const certificate = await makeCertificate(wish);
  const targetPort = Number(new URL(world.api.url).port);
  const front = await startTlsProxy({ host: '127.0.0.1', targetPort, directory: state.path, certificate });
  onTestFinished(() => front[Symbol.asyncDispose]());
  if (trusted) {
    const before = getCACertificates('default');
    setDefaultCACertificates([...before, certificate.cert]);
    onTestFinished(() => setDefaultCACertificates(before));
  }
  return front.port;
}

/** Something that takes connections, and does with them what a test wants. */
async function listening(server: ReturnType<typeof createTcpServer>): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  return (server.address() as { port: number }).port;
}

const LOOPBACK = ['IP:127.0.0.1', 'DNS:localhost'];
const ALL_WELL = ['proxy ok', 'name ok', 'connection ok', 'certificate ok', 'answer ok', 'clock ok'];

test('a control plane that is well, by name and by address', async () => {
  const port = await behindTls({ names: LOOPBACK });
  const { check, verdicts } = await walk(`https://localhost:${port}`);
  // A name may have an address more on which nobody listens, which is then said.
  expect(verdicts.map((one) => one.replace('connection warning', 'connection ok'))).toEqual(ALL_WELL);
  expect(check.name?.seen).toContain('127.0.0.1');
  expect(check.certificate?.seen).toMatch(
    /^Trusted until \d{4}-\d\d-\d\d, TLSv1\.3\. For 127\.0\.0\.1, localhost/,
  );
  expect((await walk(`https://127.0.0.1:${port}`)).verdicts).toEqual(ALL_WELL);
  expect((await walk(world.api.url)).verdicts).toEqual(ALL_WELL);
});

describe('certificates', () => {
  test.for([
    ['has ended', { names: LOOPBACK, from: days(-90), to: days(-2) }, 'CERT_HAS_EXPIRED', 'Renew'],
    ['begins later', { names: LOOPBACK, from: days(2) }, 'CERT_NOT_YET_VALID', 'clock'],
    ['is for another name', { names: ['DNS:example.org'] }, 'ERR_TLS_CERT_ALTNAME_INVALID', 'name'],
  ] as const)('one that %s', async ([, wish, code, fix]) => {
    const port = await behindTls({ ...wish, names: [...wish.names] });
    const { check, verdicts } = await walk(`https://127.0.0.1:${port}`);
    // What is behind it is told all the same, and what time it is there.
    expect(verdicts.slice(3)).toEqual(['certificate failed', 'answer ok', 'clock ok']);
    expect(check.certificate).toMatchObject({ code, fix: expect.stringContaining(fix) });
  });

  test('one that nobody vouches for', async () => {
    const port = await behindTls({ names: LOOPBACK }, false);
    const { certificate } = (await walk(`https://127.0.0.1:${port}`)).check;
    expect(certificate).toMatchObject({ verdict: 'failed', code: 'DEPTH_ZERO_SELF_SIGNED_CERT' });
    expect(certificate?.fix).toContain('NODE_EXTRA_CA_CERTS');
  });

  test.for([
    ['of a year that ends in ten days', days(-355), days(10), 'warning'],
    ['of a year that ends in twenty days', days(-345), days(20), 'ok'],
    ['of six days that has two left', days(-4), days(2), 'ok'],
    ['of six days that has half a day left', days(-5.5), days(0.5), 'warning'],
  ] as const)('one %s', async ([, from, to, verdict]) => {
    const port = await behindTls({ names: LOOPBACK, from, to });
    expect((await walk(`https://127.0.0.1:${port}`)).check.certificate?.verdict).toBe(verdict);
  });
});

describe('what breaks', () => {
  test('a name that does not resolve', async () => {
    const { check, verdicts } = await walk('https://nowhere.invalid');
    expect(verdicts.slice(1)).toEqual([
      'name failed',
      'connection skipped',
      'certificate skipped',
      'answer skipped',
      'clock skipped',
    ]);
    expect(check.name?.paste).toBe('getent hosts nowhere.invalid');
    expect(check.clock?.seen).toContain('Name of the control plane');
  });

  test('a port on which nobody listens', async () => {
    const { check, verdicts } = await walk(`https://127.0.0.1:${await freePort()}`);
    expect(verdicts.slice(2, 4)).toEqual(['connection failed', 'certificate skipped']);
    expect(check.connection?.seen).toContain('Nothing listens');
  });

  test('a port that speaks plain HTTP', async () => {
    const { check, verdicts } = await walk(world.api.url.replace('http:', 'https:'));
    expect(verdicts.slice(3)).toEqual(['certificate failed', 'answer skipped', 'clock skipped']);
    expect(check.certificate?.fix).toContain('Put TLS in front');
  });

  test('something that takes connections and says nothing', async () => {
    const port = await listening(createTcpServer((socket) => socket.on('error', () => {})));
    const { check, verdicts } = await walk(`http://127.0.0.1:${port}`);
    expect(verdicts.slice(3)).toEqual(['certificate ok', 'answer failed', 'clock skipped']);
    expect(check.answer?.fix).toContain('reverse proxy');
  });

  test('another site, whose clock is two days ahead', async () => {
    const port = await listening(
      createServer((_, response) => {
        response.setHeader('date', days(2).toUTCString());
        response.end('<h1>It works!</h1>');
      }),
    );
    const { check, verdicts } = await walk(`http://127.0.0.1:${port}`);
    expect(verdicts.slice(4)).toEqual(['answer failed', 'clock warning']);
    expect(check.answer?.seen).toContain('status 200');
    expect(check.clock?.seen).toBe('It is 2 days behind the control plane’s.');
  });
});

describe('through a proxy', () => {
  async function proxied(options: Parameters<typeof startConnectProxy>[0], login = '') {
    const proxy = await startConnectProxy(options);
    onTestFinished(() => proxy[Symbol.asyncDispose]());
    const url = `http://${login}127.0.0.1:${proxy.port}`;
    const chosen = parseProxy({ url, source: 'HTTPS_PROXY' });
    return { proxy, route: { proxy: chosen, why: `HTTPS_PROXY names ${chosen.shown}` } };
  }

  test('that works, to a name that only the proxy knows', async () => {
    const port = await behindTls({ names: ['DNS:backups.homeport.test'] });
    const resolve = { 'backups.homeport.test:443': { host: '127.0.0.1', port } };
    const { proxy, route } = await proxied({ login: 'me:secret', resolve }, 'me:secret@');
    const { check, verdicts } = await walk('https://backups.homeport.test', route);
    expect(verdicts).toEqual(['proxy ok', 'certificate ok', 'answer ok', 'clock ok']);
    expect(proxy.opened).toEqual(['backups.homeport.test:443']);
    expect(JSON.stringify(check)).not.toContain('secret');
  });

  test.for([
    ['wants a login', { login: 'me:secret' }, undefined, 'proxy_login_required'],
    ['may not', {}, 403, 'proxy_refused'],
  ] as const)('that %s', async ([, options, status, code]) => {
    const { proxy, route } = await proxied(options);
    proxy.refuseWith(status);
    const { check, verdicts } = await walk('https://backups.homeport.test', route);
    expect(verdicts).toEqual(['proxy failed', 'certificate skipped', 'answer skipped', 'clock skipped']);
    expect(check.proxy?.code).toBe(code);
  });

  test('that is not there, is none, or says nothing', async () => {
    const code = async (port: number) => {
      const chosen = parseProxy({ url: `http://127.0.0.1:${port}`, source: 'HTTPS_PROXY' });
      const { check } = await walk('https://backups.homeport.test', { proxy: chosen, why: '' });
      return check.proxy?.code;
    };
    const talker = createTcpServer((socket) =>
      socket
        .on('error', () => {})
        .resume()
        .end('220 hello\r\n\r\n'),
    );
    const mute = createTcpServer((socket) => socket.on('error', () => {}));
    expect(await code(await freePort())).toBe('proxy_unreachable');
    expect(await code(await listening(talker))).toBe('proxy_refused');
    expect(await code(await listening(mute))).toBe('proxy_unreachable');
  });
});
