import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { Command } from 'commander';
import { fail, toFailure } from '../../protocol/failure.ts';
import { type Config, readConfig } from '../config.ts';
import { closeDb, DATABASE_FILE, openDb } from '../db/open.ts';
import { keysFolder } from '../keys/folder.ts';
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
        const config = readConfig();
        // Before anything is made in a directory that was named by mistake.
        if (!hasVault(config.dataDir)) throw noVault(config.dataDir);
        const rebuilt = await rebuild(config, options.quick === true);
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

function summary({ vaultId, name, added, refused }: Rebuilt): string {
  const lines = [
    `Vault “${name}” (${vaultId}): the index has ${counted(added.snapshots, 'snapshot')}, ${counted(added.packs, 'pack')} and ${counted(added.keys, 'key')}.`,
    ...refused.map((file) => `  left out ${file.name}: ${file.reason}`),
  ];
  if (added.agents > 0)
    lines.push(
      `  ${counted(added.agents, 'agent')} that the database did not know came back with it. Those revoked stay revoked, as the folder “keys” tells; if that came from an older copy, check the list of agents.`,
      '  Accounts, API keys, the list of jobs and the audit log are not in the vault: the next start prints a set-up link where nobody has an account.',
    );
  return `${lines.join('\n')}\n`;
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}
