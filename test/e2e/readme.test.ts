import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { createApi } from '../support/api.ts';
import type { ApiAgent, ApiServer } from '../support/api-shapes.ts';
import { checksums } from '../support/checksums.ts';
import { eventually } from '../support/eventually.ts';
import { type Foreground, startForeground } from '../support/foreground.ts';
import { freePort } from '../support/ports.ts';
import { startPostgres } from '../support/postgres.ts';
import { protect } from '../support/protect.ts';
import { createShop } from '../support/shop.ts';
import { documented } from '../vault-format/documents.ts';

const README = 'https://backups.example.org';
const PASSWORD = 'of the account homeport';

test('the demo comes up, and Ctrl-C takes all of it down', { timeout: 240_000 }, async () => {
  await using place = await workplace();
  await using demo = place.start('demo', documented('README.md', 'Two commands'));
  const [, url] = await eventually(
    'everything is shown',
    () => /Homeport +(http:\S+)\n +Set-up link +\S+/.exec(demo.child.output()) ?? undefined,
    180_000,
  );
  expect((await fetch(`${url}/healthz`)).status).toBe(200);
  expect(demo.child.output()).not.toContain('failed');
  await demo.interrupt();
  expect(demo.child.output()).toContain('Stopping');
  await eventually('nothing listens any more', () =>
    fetch(`${url}/healthz`).then(
      () => false,
      () => true,
    ),
  );
});

test('from a checkout to the first restore, as README has it', { timeout: 240_000 }, async () => {
  await using place = await workplace();
  await using postgres = await startPostgres();
  await createShop(postgres, 'shop', 2_000);
  const account = documented('docs/postgresql.md', 'Accounts').replace('…', PASSWORD);
  await postgres.query(account);

  await using controlPlane = place.start(
    'start',
    documented('README.md', 'Five minutes to the first real backup'),
  );
  await controlPlane.child.printed(new RegExp(`${place.url}/setup#[\\w-]+`));
  const [key] = /hp_\w+/.exec(await place.run('control-plane/homeport api-key create --name readme')) ?? [];
  const api = createApi(place.url, String(key));

  const { token } = await api.post<{ token: string }>('/enrolment-tokens', { name: 'db-host' });
  const joining = documented('README.md', 'Five minutes to the first real backup', 3);
  await using agent = place.start('agent', joining, token);
  await eventually('the agent is online', async () => {
    if (!agent.child.running()) throw new Error(agent.child.output());
    const [found] = await api.get<ApiAgent[]>('/agents');
    return found?.state === 'online' && found.inventory !== null;
  });
  const adding = documented('README.md', 'Five minutes to the first real backup', 4)
    .replace('sudo homeport-agent', 'agent/homeport-agent')
    .replace('--host 127.0.0.1', `--host 127.0.0.1 --port ${postgres.port}`);
  await place.run(adding, PASSWORD);
  expect(await place.run(documented('docs/agent.md', 'Doctor'))).toContain('main');
  const server = await eventually('the server appears by itself', async () => {
    const [found] = await api.get<ApiServer[]>('/servers');
    return found;
  });
  await protect(api, server.id, 'shop');

  const said = await place.run(documented('README.md', 'From a terminal'), api.key);
  expect(said).not.toContain(api.key);
  expect(await checksums(postgres, 'shop_copy')).toEqual(await checksums(postgres, 'shop'));

  expect(await agent.interrupt()).not.toBe('SIGKILL');
  await controlPlane.interrupt();
  const behindCaddy = documented('README.md', 'Five minutes to the first real backup', 1);
  await using again = place.start('start-again', behindCaddy);
  await again.child.printed(new RegExp(`${README}/setup#[\\w-]+`));
  await again.interrupt();
});

interface Workplace extends AsyncDisposable {
  /** Where `npm start` listens here. */
  url: string;
  start(name: string, script: string, input?: string): Foreground;
  /** Runs lines to their end, with `input` typed, and gives what they printed. */
  run(script: string, input?: string): Promise<string>;
}

/** This checkout, with settings that keep everything in a directory of the test's own. */
async function workplace(): Promise<Workplace> {
  const directory = await mkdtemp(join(tmpdir(), 'homeport-readme-'));
  await mkdir(join(directory, 'agent'), { mode: 0o700 });
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const env = {
    HOME: directory,
    HOMEPORT_DATA: join(directory, 'data'),
    HOMEPORT_PORT: String(port),
    HOMEPORT_URL: url,
    HOMEPORT_RELEASE: join(directory, 'no-release'),
    HOMEPORT_AGENT_STATE: join(directory, 'agent'),
  };
  const here = (script: string) => script.replace(`--url ${README}`, `--url ${url}`);
  const start: Workplace['start'] = (name, script, input) =>
    startForeground({
      ...{ name, script: here(script), env, logDirectory: directory },
      ...(input === undefined ? {} : { input: `${input}\n` }),
    });
  return {
    url,
    start,
    async run(script, input) {
      await using running = start('run', script, input);
      const code = await running.child.exited;
      expect(code, `${script}\n${running.child.output()}`).toBe(0);
      return running.child.output();
    },
    [Symbol.asyncDispose]: () => rm(directory, { recursive: true, force: true }),
  };
}
