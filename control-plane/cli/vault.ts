import { join } from 'node:path';
import { Command } from 'commander';
import { fail, toFailure } from '../../protocol/failure.ts';
import { type Config, readConfig } from '../config.ts';
import { closeDb, DATABASE_FILE, openDb } from '../db/open.ts';
import { loadMasterKey } from '../keys/master.ts';
import { lockDataDirectory } from '../lock.ts';
import { type Rebuilt, rebuildIndex } from '../vault/rebuild.ts';

/** `homeport vault …`: works on the data directory itself while no control plane runs on it. */
export function vaultCommand(): Command {
  const command = new Command('vault').description('look after the vaults of this data directory');
  command
    .command('rebuild')
    .description('make the index of all vaults anew from their files, also when homeport.sqlite is gone')
    .option('--quick', 'trust the packs’ contents: read their trailers only, not every byte')
    .action(async (options: { quick?: boolean }) => {
      try {
        const rebuilt = await rebuild(readConfig(), options.quick === true);
        if (rebuilt.length === 0) throw noVault();
        process.stdout.write(rebuilt.map(summary).join('\n'));
        if (rebuilt.some(({ refused }) => refused.length > 0)) process.exitCode = 2;
      } catch (error) {
        const { message, hint } = toFailure(error);
        process.stderr.write(`homeport: ${message}\n${hint}\n`);
        process.exitCode = 1;
      }
    });
  return command;
}

async function rebuild({ dataDir, masterKey }: Config, quick: boolean): Promise<Rebuilt[]> {
  const unlock = lockDataDirectory(dataDir);
  try {
    const master = await loadMasterKey(dataDir, masterKey);
    const db = openDb(join(dataDir, DATABASE_FILE));
    try {
      return await rebuildIndex({ dataDir, db, master, quick });
    } finally {
      closeDb(db);
    }
  } finally {
    unlock();
  }
}

function noVault() {
  return fail(
    'not_found',
    'This data directory has no vault: there is no vault-….json in its folder “keys”.',
    'Set HOMEPORT_DATA to the directory the control plane used, or put the folder back from a copy.',
  );
}

function summary({ vaultId, name, added, refused }: Rebuilt): string {
  const lines = [
    `Vault “${name}” (${vaultId}):`,
    `  ${added.snapshots} snapshots, ${added.packs} packs, ${added.keys} keys, ${added.agents} agents that were not known`,
    ...refused.map((file) => `  left out ${file.name}: ${file.reason}`),
  ];
  if (added.agents > 0)
    lines.push(
      '  Those revoked stay revoked, as the folder “keys” tells. If that came from an older copy, check the list of agents.',
    );
  return `${lines.join('\n')}\n`;
}
