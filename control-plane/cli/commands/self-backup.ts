import { existsSync } from 'node:fs';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { Command } from 'commander';
import { z } from 'zod';
import { fail } from '../../../protocol/failure.ts';
import { readConfig } from '../../config.ts';
import { say } from '../say.ts';
import { connect } from './session.ts';

const stateShape = z.object({
  last: z.object({ at: z.string(), name: z.string(), place: z.string(), bytes: z.number() }).nullable(),
  nextAt: z.string().nullable(),
  failure: z
    .object({ at: z.string(), failure: z.object({ message: z.string(), hint: z.string() }) })
    .nullable(),
});

/** `self-backup`, from anywhere. */
export function addSelfBackupCommand(root: Command): void {
  root
    .command('self-backup')
    .description('the control plane’s backups of itself: the newest, and when the next is')
    .option('--now', 'make one now')
    .action(async ({ now = false }: { now?: boolean }) => {
      const client = await connect();
      const { failure, last, nextAt } = now
        ? await client.post('/self-backup', {}, stateShape)
        : await client.get('/self-backup', stateShape);
      say(last ? `${last.at}  ${last.name} in ${last.place}` : 'There is none yet.');
      if (failure) say(`Failed ${failure.at}: ${failure.failure.message} ${failure.failure.hint}`);
      say(nextAt ? `Next: ${nextAt}` : 'None is made by itself: HOMEPORT_SELF_BACKUP_HOUR is none.');
    });
}

/** `restore-self`: on the control plane’s own new host, before its first start. */
export function addRestoreSelfCommand(root: Command): void {
  root
    .command('restore-self')
    .description('bring a lost control plane back into an empty data directory (HOMEPORT_DATA)')
    .requiredOption('--kit <file>', 'the recovery kit of the vault')
    .requiredOption(
      '--from <path>',
      'the vault’s files, or the folder control-plane of it; or one file of that',
    )
    .action(async ({ from, kit }: { from: string; kit: string }) => {
      const [
        { readRecoveryKit },
        { restoreSelf },
        { lockDataDirectory },
        { loadMasterKey },
        { loadIdentity },
      ] = await Promise.all([
        import('../../self-backup/kit.ts'),
        import('../../self-backup/restore.ts'),
        import('../../lock.ts'),
        import('../../keys/master.ts'),
        import('../../keys/identity.ts'),
      ]);
      const config = readConfig();
      const read = readRecoveryKit(await readFile(resolve(kit), 'utf8').catch(unreadable(kit)));
      const file = await newestIn(resolve(from));
      const unlock = lockDataDirectory(config.dataDir);
      try {
        const wish = { file, kit: read, dataDir: config.dataDir };
        const { createdAt, masterKeyApart } = await restoreSelf(wish, async (folder, statement) => {
          const given = config.masterKey !== undefined || config.masterKeyFile !== undefined;
          if (statement.masterKeyApart && !given) throw masterKeyMissing();
          await loadIdentity(folder, await loadMasterKey(folder, config));
        });
        say(
          `${config.dataDir} is as it was at ${createdAt}${masterKeyApart ? '; its master key is the one you gave' : ''}.`,
        );
        say('Start the control plane under its former address: agents come back by themselves.');
      } finally {
        unlock();
      }
    });
}

/** The newest backup in a folder, or the one that is named. */
async function newestIn(path: string): Promise<string> {
  const what = await stat(path).catch(unreadable(path));
  if (what.isFile()) return path;
  const inside = join(path, 'control-plane');
  const folder = existsSync(inside) ? inside : path;
  const newest = (await readdir(folder))
    .filter((name) => /^[0-9TZ]+-[0-9a-f-]{36}\.age$/.test(name))
    .sort()
    .at(-1);
  if (newest === undefined) throw noBackup(path);
  return join(folder, newest);
}

function unreadable(path: string) {
  return (cause: unknown): never => {
    const message = `${path} cannot be read: ${(cause as Error).message}`;
    throw fail('not_found', message, 'Name a file that is there.', { cause });
  };
}

function noBackup(path: string) {
  return fail(
    'not_found',
    `There is no backup of a control plane in ${path}.`,
    'Give the folder of the vault’s files, with the folder control-plane in it. Backups can be read without: docs/recovery.md.',
  );
}

function masterKeyMissing() {
  return fail(
    'key_missing',
    'This control plane kept its master key elsewhere, so it is not in its backup.',
    'Set HOMEPORT_MASTER_KEY or HOMEPORT_MASTER_KEY_FILE to it. Without it, the kit still reads every backup: docs/recovery.md.',
  );
}
