import { chmod, cp, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { type CheckResult, doctorReportSchema } from '../../protocol/doctor.ts';
import { type Agent, launchAgentCli } from '../support/agent.ts';
import type { ApiAgent, ApiServer } from '../support/api-shapes.ts';
import { cliUser } from '../support/cli.ts';
import { freePort } from '../support/ports.ts';
import { addServer } from '../support/protect.ts';
import { sharedHomeport, sharedPostgres } from './world.ts';

const homeport = sharedHomeport();
const postgres = sharedPostgres();
let agent: Agent;
let server: ApiServer;

beforeAll(async () => {
  agent = await homeport().agent('host');
  server = await addServer(homeport().api, agent, { name: 'main', server: postgres() });
  await chmod(agent.state, 0o700);
});

/** `homeport-agent doctor` as somebody on the host runs it. */
async function doctor(args: string[] = [], options: { state?: string; env?: Record<string, string> } = {}) {
  const child = launchAgentCli(
    {
      name: 'doctor',
      state: options.state ?? agent.state,
      logDirectory: join(homeport().directory, 'logs'),
      ...(options.env ? { env: options.env } : {}),
    },
    ['doctor', ...args],
  );
  const exitCode = await child.exited;
  const output = child.output();
  const checks = args.includes('--json') ? doctorReportSchema.parse(JSON.parse(output)).checks : [];
  const check = Object.fromEntries(checks.map((one) => [one.id, one])) as Record<string, CheckResult>;
  return { exitCode, output, check, verdicts: checks.map(({ id, verdict }) => `${id} ${verdict}`) };
}

describe('beside a running agent', () => {
  test('everything is well, and the agent notices nothing', async () => {
    const before = await homeport().api.get<ApiAgent>(`/agents/${agent.id}`);
    const { check, exitCode, output, verdicts } = await doctor(['--json']);
    expect(verdicts.filter((one) => / (failed|skipped)$/.test(one))).toEqual([]);
    expect(exitCode).toBe(0);
    expect(verdicts.filter((one) => !one.startsWith('tools.'))).toEqual([
      'host.configuration ok',
      'host.updates ok',
      'host.state ok',
      'host.temporary ok',
      'host.running ok',
      'control-plane.enrolment ok',
      'control-plane.address ok',
      'control-plane.proxy ok',
      'control-plane.name ok',
      'control-plane.connection ok',
      'control-plane.certificate ok',
      'control-plane.answer ok',
      'host.clock ok',
      'control-plane.handshake ok',
      'servers ok',
      `server.${server.id} ok`,
    ]);
    expect(check['control-plane.handshake']?.seen).toContain('connected from 127.0.0.1');
    expect(check[`server.${server.id}`]?.seen).toMatch(/Logged in as .*superuser.*pg_dump 15.*pg_restore 15/);
    expect(output).not.toContain(postgres().password);
    const after = await homeport().api.get<ApiAgent>(`/agents/${agent.id}`);
    expect(after).toMatchObject({ state: 'online', connectedSince: before.connectedSince });
    expect(agent.process().output()).not.toMatch(/duplicate|superseded/);
    const audit = await homeport().api.get<{ action: string }[]>('/audit');
    expect(audit.map(({ action }) => action)).not.toContain('agent.duplicate-refused');
  });

  test('it reads well in a terminal', async () => {
    const { exitCode, output } = await doctor();
    expect(exitCode).toBe(0);
    expect(output).toMatch(/^Homeport agent \d+\.\d+\.\d+ on /);
    expect(output).toMatch(/^ok {8}Answer of the control plane: A control plane answers at http/m);
    expect(output).toMatch(/^\d+ checks: \d+ ok(, \d+ warnings?)?\.$/m);
  });

  test('a server that refuses the login fails, with what to do', async () => {
    const file = join(agent.state, 'servers', `${server.id}.json`);
    const text = await readFile(file, 'utf8');
    await writeFile(file, text.replace(postgres().password, 'a-wrong-secret'));
    const { check, exitCode, output } = await doctor(['--json']);
    await writeFile(file, text);
    expect(exitCode).toBe(1);
    expect(check[`server.${server.id}`]).toMatchObject({ verdict: 'failed', code: 'access_denied' });
    expect(output).not.toContain('a-wrong-secret');
    expect((await doctor()).exitCode).toBe(0);
  });

  test('a configuration that cannot be used is one finding among others', async () => {
    const config = join(homeport().directory, 'broken.toml');
    await writeFile(config, 'restore = "deny"\n');
    const { check, exitCode } = await doctor(['--json'], { env: { HOMEPORT_AGENT_CONFIG: config } });
    expect(exitCode).toBe(1);
    expect(check['host.configuration']).toMatchObject({ verdict: 'failed', code: 'invalid_input' });
    expect(check['control-plane.handshake']?.verdict).toBe('ok');
  });

  test('state that others may read fails, with the command that closes it', async () => {
    const file = join(agent.state, 'identity.json');
    await chmod(file, 0o644);
    const { check, exitCode, output } = await doctor();
    await chmod(file, 0o600);
    expect(check).toEqual({});
    expect(exitCode).toBe(1);
    expect(output).toContain('FAILED    State directory');
    expect(output).toContain(`              chmod -R go= ${agent.state}`);
  });
});

describe('from afar', () => {
  test('the connected agent looks for whoever asks by the API or from a terminal', async () => {
    await using user = await cliUser(homeport().api);
    const well = await user.run(['agents', 'doctor', 'host']);
    expect(well).toMatchObject({ exitCode: 0 });
    expect(well.stdout).toMatch(/^ok {8}Handshake with the control plane: It holds the pinned key/m);
    const file = join(agent.state, 'servers', `${server.id}.json`);
    const text = await readFile(file, 'utf8');
    await writeFile(file, text.replace(postgres().password, 'a-wrong-secret'));
    const ill = await user.run(['agents', 'doctor', agent.id, '--json']);
    await writeFile(file, text);
    expect(ill.exitCode).toBe(1);
    const { checks } = doctorReportSchema.parse(JSON.parse(ill.stdout));
    const failed = checks.filter(({ verdict }) => verdict === 'failed');
    expect(failed).toMatchObject([{ id: `server.${server.id}`, code: 'access_denied' }]);
    expect(ill.stdout).not.toContain('a-wrong-secret');
    // The way there is looked at from the agent's side, by the agent that is connected.
    expect(checks.find(({ id }) => id === 'host.running')?.seen).toContain(`Process ${agent.process().pid} `);
    expect((await user.run(['agents', 'doctor', 'nobody'])).exitCode).toBe(4);
    expect((await user.run(['agents', 'host'])).stdout).toContain('Fingerprint');
  });
});

describe('where no agent runs', () => {
  test('a host that is not enrolled can look at the way before', async () => {
    const state = join(homeport().directory, 'fresh');
    const { url } = homeport().api;
    const { check, exitCode } = await doctor(['--json', '--url', url], { state });
    expect(exitCode).toBe(1);
    expect(check['control-plane.enrolment']).toMatchObject({ verdict: 'failed', code: 'agent_unknown' });
    expect(check['control-plane.answer']?.verdict).toBe('ok');
    expect(check['control-plane.handshake']?.verdict).toBe('skipped');
    // Only looked at: nothing came to be.
    await expect(readFile(join(state, 'identity.json'))).rejects.toMatchObject({ code: 'ENOENT' });
  });

  test('a clone of a connected agent is told apart', async () => {
    const state = join(homeport().directory, 'clone');
    // A socket is nothing to copy.
    await cp(agent.state, state, { recursive: true, filter: (path) => !path.endsWith('.sock') });
    await rm(join(state, 'run.lock'), { force: true });
    const { check, exitCode } = await doctor(['--json'], { state });
    expect(exitCode).toBe(0);
    expect(check['host.running']?.verdict).toBe('warning');
    expect(check['control-plane.handshake']).toMatchObject({ verdict: 'warning', code: 'agent_duplicate' });
    expect(await homeport().api.get(`/agents/${agent.id}`)).toMatchObject({ state: 'online' });
  });

  test('an address that leads elsewhere', async () => {
    const { check } = await doctor(['--json', '--url', `https://127.0.0.1:${await freePort()}`]);
    expect(check['control-plane.connection']).toMatchObject({ verdict: 'failed' });
    expect(check['control-plane.handshake']?.verdict).toBe('skipped');
    const wrong = await doctor(['--json', '--url', 'http://backups.example.org']);
    expect(wrong.check['control-plane.address']).toMatchObject({ verdict: 'failed', code: 'invalid_input' });
    expect((await doctor(['--frobnicate'])).exitCode).toBe(2);
  });
});

test('a control plane that is stopped, and an agent that was revoked', async () => {
  await homeport().controlPlane.stop();
  const away = await doctor(['--json']);
  expect(away.exitCode).toBe(1);
  expect(away.check['control-plane.connection']).toMatchObject({ verdict: 'failed' });
  expect(away.check['control-plane.handshake']?.verdict).toBe('skipped');
  // What does not need it is looked at all the same.
  expect(away.check[`server.${server.id}`]?.verdict).toBe('ok');
  await homeport().controlPlane.start();
  await agent.online();
  await homeport().api.post(`/agents/${agent.id}/revoke`, { confirm: 'host' });
  const revoked = await doctor(['--json']);
  expect(revoked.check['control-plane.handshake']).toMatchObject({
    verdict: 'failed',
    code: 'agent_revoked',
  });
});
