import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import { fail } from '../../../protocol/failure.ts';
import { type Config, readConfig } from '../../config.ts';
import { keysFolder } from '../../keys/folder.ts';
import type { Rebuilt } from '../../vault/rebuild.ts';
import { EXIT } from '../exit.ts';
import { say } from '../say.ts';
import { counted } from '../text.ts';

/** `vault rebuild`: works on the data directory itself while no control plane runs on it. */
export function addVaultCommands(root: Command): void {
  root
    .command('vault')
    .description('look after the vaults of a data directory (HOMEPORT_DATA)')
    .command('rebuild')
    .description('make the index of all vaults anew from their files, also when homeport.sqlite is gone')
    .option('--quick', 'trust the packs’ contents: read their trailers only, not every byte')
    .action(async (options: { quick?: boolean }) => {
      const config = readConfig();
      // Before anything is made in a directory that was named by mistake.
      if (!hasVault(config.dataDir)) throw noVault(config.dataDir);
      const rebuilt = await rebuild(config, options.quick === true);
      for (const one of rebuilt) say(...summary(one));
      if (rebuilt.some(({ refused }) => refused.length > 0)) process.exitCode = EXIT.failed;
    });
}

async function rebuild(config: Config, quick: boolean): Promise<Rebuilt[]> {
  const { dataDir, localEndpoints } = config;
  // Loaded here: the commands that only use the API start faster without them.
  const [
    { closeDb, DATABASE_FILE, openDb },
    { loadMasterKey },
    { lockDataDirectory },
    { createOutgoing },
    { rebuildIndex },
    { RcloneDaemon },
  ] = await Promise.all([
    import('../../db/open.ts'),
    import('../../keys/master.ts'),
    import('../../lock.ts'),
    import('../../../protocol/outgoing.ts'),
    import('../../vault/rebuild.ts'),
    import('../../vault/stores/rclone-daemon.ts'),
  ]);
  const unlock = lockDataDirectory(dataDir);
  const rclone = new RcloneDaemon({ ...config.rclone, room: join(dataDir, 'rclone') });
  try {
    const master = await loadMasterKey(dataDir, config);
    const db = openDb(join(dataDir, DATABASE_FILE));
    try {
      const outgoing = createOutgoing(localEndpoints);
      return await rebuildIndex({ dataDir, db, master, quick, outgoing, rclone });
    } finally {
      closeDb(db);
    }
  } finally {
    await rclone.stop();
    unlock();
  }
}

function hasVault(dataDir: string): boolean {
  const keys = keysFolder(dataDir);
  return existsSync(keys) && readdirSync(keys).some((name) => /^vault-.*\.json$/.test(name));
}

function noVault(dataDir: string) {
  return fail(
    'not_found',
    `${dataDir} holds no vault: there is no vault-….json in its folder “keys”.`,
    'Set HOMEPORT_DATA to the directory the control plane used, or put the folder back from a copy.',
  );
}

function summary({ vaultId, name, added, refused }: Rebuilt): string[] {
  const lines = [
    `Vault “${name}” (${vaultId}): the index has ${counted(added.snapshots, 'snapshot')}, ${counted(added.packs, 'pack')} and ${counted(added.keys, 'key')}.`,
    ...refused.map((file) => `  left out ${file.name}: ${file.reason}`),
  ];
  if (added.agents > 0)
    lines.push(
      `  ${counted(added.agents, 'agent')} that the database did not know came back with it. Those revoked stay revoked, as the folder “keys” tells; if that came from an older copy, check the list of agents.`,
      '  Accounts, API keys, the list of jobs and the audit log are not in the vault: the next start prints a set-up link where nobody has an account.',
    );
  return lines;
}
