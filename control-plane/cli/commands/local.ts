import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type Command, InvalidArgumentError } from 'commander';
import { fail } from '../../../protocol/failure.ts';
import type { Auth } from '../../auth/auth.ts';
import { type Config, publicUrl, readConfig } from '../../config.ts';
import type { Db } from '../../db/open.ts';
import { say } from '../say.ts';

interface Bench {
  config: Config;
  db: Db;
  auth: Auth;
  url: string;
}

/** `api-key` and `setup-link`: for the control plane's own host; they work on its data directory. */
export function addLocalCommands(root: Command): void {
  root
    .command('api-key')
    .description('API keys, on the control plane’s own host (HOMEPORT_DATA names its data directory)')
    .command('create')
    .description('make an API key and print it; it is shown this once')
    .requiredOption('--name <name>', 'what the key is for')
    .option('--expires-in-days <days>', 'when it stops working; never where absent', days)
    .action((options: { name: string; expiresInDays?: number }) =>
      onData((bench) => makeKey(bench, options)),
    );
  root
    .command('setup-link')
    .description(
      'print a fresh link for the owner’s account, on the control plane’s own host; earlier ones end',
    )
    .action(() =>
      onData(async ({ db, url }) => {
        const { createSetupLink } = await import('../../auth/setup.ts');
        say(createSetupLink(db, url));
      }),
    );
}

/** Does one thing on the data directory; a running control plane does not mind. */
async function onData(work: (bench: Bench) => Promise<void>): Promise<void> {
  // Loaded here: the commands that only use the API start in a third of the time without them.
  const [{ createAuth }, { closeDb, DATABASE_FILE, openDb }, { loadMasterKey }, { createLogger }] =
    await Promise.all([
      import('../../auth/auth.ts'),
      import('../../db/open.ts'),
      import('../../keys/master.ts'),
      import('../../log.ts'),
    ]);
  const config = readConfig();
  // Else it would be made here, and whatever is printed would be for nobody.
  if (!existsSync(join(config.dataDir, DATABASE_FILE)))
    throw fail(
      'not_found',
      `${config.dataDir} is not the data directory of a control plane: it has no ${DATABASE_FILE}.`,
      'Set HOMEPORT_DATA to the one it uses. If it was never started, start it once.',
    );
  const master = await loadMasterKey(config.dataDir, config);
  const db = openDb(join(config.dataDir, DATABASE_FILE));
  try {
    const url = publicUrl(config, config.port);
    const auth = createAuth({ db, master, url, origins: [url], log: createLogger('silent') });
    await work({ config, db, auth, url });
  } finally {
    closeDb(db);
  }
}

async function makeKey(
  { auth, db }: Bench,
  { expiresInDays, name }: { name: string; expiresInDays?: number },
): Promise<void> {
  const [{ createApiKey, HOST_USER }, { createAudit, SYSTEM }, { systemClock }] = await Promise.all([
    import('../../auth/api-keys.ts'),
    import('../../audit.ts'),
    import('../../clock.ts'),
  ]);
  const { id, key } = await createApiKey(auth, { name, userId: HOST_USER, expiresInDays });
  const target = { kind: 'api-key', id, name };
  createAudit(db, systemClock)({ actor: SYSTEM, action: 'api-key.create-on-host', target });
  say(key);
}

function days(text: string): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= 1 && value <= 3650) return value;
  throw new InvalidArgumentError('Give whole days, from 1 to 3650.');
}
