import { type Homeport, startHomeport } from '../support/harness.ts';
import { startMariadb } from '../support/mariadb.ts';
import { changeMariadbShop, createMariadbShop } from '../support/mariadb-shop.ts';
import { startPostgres } from '../support/postgres.ts';
import type { TestServer } from '../support/server-process.ts';
import { changeShop, createShop } from '../support/shop.ts';
import { say, step } from './steps.ts';
import { type Chapter, type Story, tellStory } from './story.ts';

/** `npm run demo`: everything for real, on throwaway parts. `--check`: one JSON line, no staying. */
const check = process.argv.includes('--check');
const started = performance.now();
let homeport: Homeport | undefined;
const servers: TestServer[] = [];

const interrupted = new Promise<'interrupted'>((resolve) => {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => resolve('interrupted'));
  }
});

try {
  const story = await Promise.race([run(), interrupted]);
  if (story !== 'interrupted') {
    const seconds = Math.round((performance.now() - started) / 100) / 10;
    if (check) report({ ok: true, ...story, seconds });
    else await stay(seconds);
  } else process.exitCode = 130;
} catch (error) {
  process.exitCode = 1;
  say(`\n${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
  if (check) report({ ok: false, error: String(error) });
} finally {
  await clean(process.exitCode === 1);
}
// A run that was interrupted may still wait for parts that are gone by now.
process.exit();

async function run(): Promise<Story> {
  say('Homeport demo\n');
  const controlPlane = async () => {
    homeport = await step('A control plane runs', () => startHomeport({ unclaimed: true }));
    return homeport;
  };
  const [house, postgres, mariadb] = await Promise.all([controlPlane(), withPostgres(), withMariadb()]);
  return tellStory(house, [postgres, mariadb]);
}

// What came up is remembered at once: an interruption meanwhile has to take it down again.
function remember<T extends TestServer>(server: T): T {
  servers.push(server);
  return server;
}

async function withPostgres(): Promise<Chapter> {
  const server = remember(await step('A throwaway PostgreSQL server runs', () => startPostgres()));
  await step('It holds a database “shop” with sample data', () => createShop(server, 'shop'));
  return { product: 'PostgreSQL', server, change: () => changeShop(server, 'shop') };
}

async function withMariadb(): Promise<Chapter> {
  const server = remember(await step('A throwaway MariaDB server runs', () => startMariadb()));
  await step('So does it, with a view, a trigger, routines and an event', () =>
    createMariadbShop(server, 'shop'),
  );
  return { product: 'MariaDB', server, change: () => changeMariadbShop(server, 'shop') };
}

async function stay(seconds: number): Promise<void> {
  say(`\nAll of it took ${seconds} s. The control plane stays up:\n`);
  say(`  Homeport     ${homeport?.controlPlane.url}`);
  say(`  Set-up link  ${await homeport?.controlPlane.setupLink()}`);
  say('\nOpen the set-up link to make your account and look around. Ctrl-C stops and removes everything.');
  await interrupted;
  say('\nStopping …');
}

async function clean(keep: boolean): Promise<void> {
  await homeport?.stop({ keep });
  await Promise.all(servers.map((server) => server.stop()));
}

function report(summary: Record<string, unknown>): void {
  process.stdout.write(`${JSON.stringify(summary)}\n`);
}
