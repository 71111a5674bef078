import { copyFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { ApiAgent } from '../../support/api-shapes.ts';
import type { CleanHost } from '../../support/clean-host.ts';
import { privilegedTest } from '../world.ts';
import { sharedInstallWorld } from './world.ts';

const world = sharedInstallWorld();

async function host(): Promise<CleanHost> {
  const fresh = await world().host();
  // Nothing is to be fetched from elsewhere.
  const libraries = '/usr/lib/x86_64-linux-gnu';
  await copyFile(`${libraries}/libatomic.so.1`, join(fresh.root, libraries, 'libatomic.so.1'));
  return fresh;
}

/** Pastes a command that the UI shows, as root. */
const paste = (on: CleanHost, command: string) => on.shell(command.replaceAll('sudo ', ''));
const agents = () => world().homeport.api.get<ApiAgent[]>('/agents');

privilegedTest('the command of “Replace” installs an agent in the place of a lost one', async () => {
  const lost = await host();
  expect(await paste(lost, (await world().token("db ' lost")).command)).toMatchObject({ code: 0 });
  const [old] = await agents();
  const wish = { successorOf: old?.id, name: 'db-2' };
  const { command } = await world().homeport.api.post<{ command: string }>('/enrolment-tokens', wish);
  expect(command).toContain("sudo sh homeport-install.sh --successor-of 'db '\\'' lost' <<'TOKEN'\n");

  const refused = await paste(lost, command);
  expect(refused).toMatchObject({ code: 1, output: expect.stringContaining('has an agent already') });
  expect(refused.output).toContain('--uninstall');
  expect(await agents()).toHaveLength(1);

  const installed = await paste(await host(), command);
  expect(installed.output).toContain("This agent has taken the place of “db ' lost”");
  expect(installed).toMatchObject({ code: 0, output: expect.stringContaining('The agent can connect to ') });
  expect(await agents()).toEqual(
    expect.arrayContaining([
      expect.objectContaining({ id: old?.id, state: 'revoked' }),
      expect.objectContaining({ name: 'db-2', predecessor: { id: old?.id, name: "db ' lost" } }),
    ]),
  );
});

privilegedTest('--anew is for a successor only; nothing is begun without one', async () => {
  const fresh = await host();
  const before = fresh.changes();
  const { code, output } = await fresh.shell(`curl -fsSLO ${world().url}/install.sh && sh install.sh --anew`);
  expect(code).toBe(2);
  expect(output).toContain('install.sh --successor-of AGENT [--anew]');
  expect(fresh.changes()).toEqual(before);
});
