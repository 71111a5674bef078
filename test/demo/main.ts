import { type Homeport, startHomeport } from '../support/harness.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';
import { createShop } from '../support/shop.ts';
import { say, step } from './steps.ts';
import { type Story, tellStory } from './story.ts';

/** `npm run demo`: everything for real, on throwaway parts. `--check`: one JSON line, no staying. */
const check = process.argv.includes('--check');
const started = performance.now();
let homeport: Homeport | undefined;
let postgres: TestPostgres | undefined;

const interrupted = new Promise<'interrupted'>((resolve) => {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => resolve('interrupted'));
  }
});

try {
  const story = await Promise.race([run(), interrupted]);
  if (story !== 'interrupted') {
    const seconds = Math.round((performance.now() - started) / 100) / 10;
    if (check) report({ ok: true, engines: ['postgresql'], ...story, seconds });
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
  // What came up is remembered at once: an interruption meanwhile has to take it down again.
  const database = async () => {
    const server = await step('A throwaway PostgreSQL server runs', () => startPostgres());
    postgres = server;
    await step('It holds a database “shop” with sample data', () => createShop(server, 'shop'));
    return server;
  };
  const controlPlane = async () => {
    homeport = await step('A control plane runs', () => startHomeport({ unclaimed: true }));
    return homeport;
  };
  const [server, house] = await Promise.all([database(), controlPlane()]);
  return tellStory({ homeport: house, postgres: server });
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
  await postgres?.stop();
}

function report(summary: Record<string, unknown>): void {
  process.stdout.write(`${JSON.stringify(summary)}\n`);
}
