import { join } from 'node:path';
import { Command, InvalidArgumentError } from 'commander';
import { toFailure } from '../../protocol/failure.ts';
import { HOMEPORT_VERSION } from '../../protocol/version.ts';
import { createAudit, SYSTEM } from '../audit.ts';
import { createApiKey, HOST_USER } from '../auth/api-keys.ts';
import { type Auth, createAuth } from '../auth/auth.ts';
import { createSetupLink } from '../auth/setup.ts';
import { systemClock } from '../clock.ts';
import { type Config, publicUrl, readConfig } from '../config.ts';
import { closeDb, DATABASE_FILE, type Db, openDb } from '../db/open.ts';
import { firstUser } from '../db/users.ts';
import { loadMasterKey } from '../keys/master.ts';
import { createLogger } from '../log.ts';
import { vaultCommand } from './vault.ts';

interface Bench {
  config: Config;
  db: Db;
  auth: Auth;
  url: string;
}

/** Does one thing on the data directory; a running control plane does not mind. */
async function onData(work: (bench: Bench) => Promise<void>): Promise<void> {
  const config = readConfig();
  const master = await loadMasterKey(config.dataDir, config.masterKey);
  const db = openDb(join(config.dataDir, DATABASE_FILE));
  try {
    const url = publicUrl(config, config.port);
    const auth = createAuth({ db, master, url, origins: [url], log: createLogger('silent') });
    await work({ config, db, auth, url });
  } finally {
    closeDb(db);
  }
}

function days(text: string): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= 1 && value <= 3650) return value;
  throw new InvalidArgumentError('Give whole days, from 1 to 3650.');
}

const apiKey = new Command('api-key').description('API keys for scripts');
apiKey
  .command('create')
  .description('make an API key and print it; it is shown this once')
  .requiredOption('--name <name>', 'what the key is for')
  .option('--expires-in-days <days>', 'when it stops working; never where absent', days)
  .action(({ expiresInDays, name }: { name: string; expiresInDays?: number }) =>
    onData(async ({ auth, db }) => {
      const userId = firstUser(db)?.id ?? HOST_USER;
      const { id, key } = await createApiKey(auth, { name, userId, expiresInDays });
      const target = { kind: 'api-key', id, name };
      createAudit(db, systemClock)({ actor: SYSTEM, action: 'api-key.create-on-host', target });
      process.stdout.write(`${key}\n`);
    }),
  );

const setupLink = new Command('setup-link')
  .description('print a fresh link for the owner’s account; earlier links stop working')
  .action(() =>
    onData(async ({ db, url }) => {
      process.stdout.write(`${createSetupLink(db, url)}\n`);
    }),
  );

const program = new Command('homeport')
  .description('Homeport’s control plane, from its own host (HOMEPORT_DATA names the data directory)')
  .version(HOMEPORT_VERSION)
  .addCommand(apiKey)
  .addCommand(setupLink)
  .addCommand(vaultCommand());

program.parseAsync().catch((error: unknown) => {
  const { hint, message } = toFailure(error);
  process.stderr.write(`homeport: ${message}\n${hint}\n`);
  process.exitCode = 1;
});
