import { join } from 'node:path';
import { writeDurably } from '../durable.ts';
import { keysFolder } from '../keys/folder.ts';
import { readIfThere } from '../keys/master.ts';
import type { OpenVault } from './create.ts';

const FILE = 'default-vault';

/**
 * The vault that new backups go to: the one `<data>/keys/default-vault` names, else the oldest. It is kept with the
 * keys, so that a lost database does not send backups elsewhere.
 */
export async function loadDefaultVault(dataDir: string, vaults: readonly OpenVault[]): Promise<OpenVault> {
  const chosen = (await readIfThere(join(keysFolder(dataDir), FILE)))?.trim();
  const vault = vaults.find(({ id }) => id === chosen) ?? vaults[0];
  if (!vault) throw new Error('there is no vault');
  return vault;
}

/** Durable once resolved. */
export async function keepDefaultVault(dataDir: string, vaultId: string): Promise<void> {
  await writeDurably(join(keysFolder(dataDir), FILE), `${vaultId}\n`);
}
