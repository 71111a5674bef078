import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setDefaultCACertificates } from 'node:tls';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startAgent } from '../support/agent.ts';
import { createApi } from '../support/api.ts';
import { days, makeCertificate } from '../support/certificates.ts';
import { bareEnvironment, type Child, ROOT, startChild } from '../support/child.ts';
import { output } from '../support/command.ts';
import { freePort } from '../support/ports.ts';
import { addServer, backUp, protect, restore } from '../support/protect.ts';
import { createShop } from '../support/shop.ts';
import { sharedPostgres } from './world.ts';

const postgres = sharedPostgres();
let directory: string;
let port: number;
let running: Child | undefined;
let env: Record<string, string>;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'homeport-tls-'));
  await mkdir(join(directory, 'agent'));
  port = await freePort();
  const { cert, key } = await makeCertificate({ names: ['DNS:localhost'] });
  await writeFile(join(directory, 'cert.pem'), cert);
  await writeFile(join(directory, 'key.pem'), key);
  setDefaultCACertificates([cert]);
  env = bareEnvironment({
    HOMEPORT_DATA: join(directory, 'data'),
    HOMEPORT_HOST: '127.0.0.1',
    HOMEPORT_PORT: String(port),
    HOMEPORT_URL: `https://localhost:${port}`,
    HOMEPORT_TLS_CERTIFICATE: join(directory, 'cert.pem'),
    HOMEPORT_TLS_KEY: join(directory, 'key.pem'),
    HOMEPORT_RELEASE: join(directory, 'none'),
  });
});
afterAll(async () => {
  await running?.end('SIGKILL');
  await rm(directory, { recursive: true, force: true });
});

const start = (more: Record<string, string> = {}) => {
  const command = [process.execPath, join(ROOT, 'control-plane/main.ts')] as [string, string];
  return startChild({ name: 'control-plane', command, env: { ...env, ...more }, logDirectory: directory });
};
const homeport = (args: string[], more: Record<string, string> = {}) => {
  const told = Object.entries({ ...env, ...more }).map(([name, value]) => `${name}=${value}`);
  return output(['env', '-i', ...told, join(ROOT, 'control-plane/homeport'), ...args]);
};

test('a control plane with a certificate needs no proxy: an agent enrols, backs up and restores over HTTPS', async () => {
  const before = await homeport(['healthy']);
  expect(before).toMatchObject({ code: 5, output: expect.stringContaining('does not serve') });
  running = start();
  expect(await homeport(['healthy', '--wait', '60'])).toEqual({
    code: 0,
    output: `Homeport serves on 127.0.0.1, port ${port}.\n`,
  });
  const key = (await homeport(['api-key', 'create', '--name', 'test'])).output.trim();
  const url = `https://localhost:${port}`;
  const api = createApi(url, key);
  const trust = { NODE_EXTRA_CA_CERTS: join(directory, 'cert.pem') };
  const place = { state: join(directory, 'agent'), logDirectory: directory, env: trust };
  const agent = await startAgent({ name: 'by-tls', ...place, api });
  await createShop(postgres(), 'shop', 2_000);
  const server = await addServer(api, agent, { name: 'main', server: postgres() });
  const database = await protect(api, server.id, 'shop');
  const { snapshot } = await backUp(api, database.id);
  await restore(api, snapshot.id, { serverId: server.id, plan: { targetDatabase: 'back' } });
  await agent.stop();
  const page = await fetch(url);
  expect(page.headers.get('strict-transport-security')).toBe('max-age=31536000');
  await expect(fetch(`http://localhost:${port}/healthz`)).rejects.toThrow();
});

test('healthy says what is wrong with a certificate', async () => {
  const other = await homeport(['healthy'], { HOMEPORT_URL: 'https://backups.example.org' });
  expect(other).toMatchObject({ code: 5, output: expect.stringContaining('backups.example.org') });
  // A foreign server on the port is not taken for this one.
  const { cert } = await makeCertificate({ names: ['DNS:localhost'], to: days(1) });
  await writeFile(join(directory, 'other.pem'), cert);
  const foreign = await homeport(['healthy'], { HOMEPORT_TLS_CERTIFICATE: join(directory, 'other.pem') });
  expect(foreign).toMatchObject({ code: 5, output: expect.stringMatching(/certificate|self-signed/) });
  await running?.end('SIGTERM');
});

test('certificates that are of no use are refused at the start, with the remedy', async () => {
  const { cert } = await makeCertificate({ names: ['DNS:localhost'] });
  await writeFile(join(directory, 'foreign.pem'), cert);
  const wrong: [Record<string, string>, RegExp][] = [
    [{ HOMEPORT_TLS_KEY: '' }, /HOMEPORT_TLS_CERTIFICATE is set, but the other one/],
    [{ HOMEPORT_TLS_CERTIFICATE: '' }, /HOMEPORT_TLS_KEY is set, but the other one/],
    [{ HOMEPORT_TLS_KEY: join(directory, 'missing.pem') }, /missing\.pem cannot be read/],
    [{ HOMEPORT_TLS_CERTIFICATE: join(directory, 'foreign.pem') }, /cannot be used[\s\S]*belong together/],
  ];
  for (const [more, complaint] of wrong) {
    const child = start(more);
    expect(await child.exited).toBe(1);
    expect(child.output()).toMatch(complaint);
  }
});
