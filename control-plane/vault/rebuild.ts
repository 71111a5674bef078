import { FailureError } from '../../protocol/failure.ts';
import { createOutgoing, type Outgoing } from '../../protocol/outgoing.ts';
import type { Db } from '../db/open.ts';
import { storeLockQueries } from '../db/store-locks.ts';
import { createContext } from './context.ts';
import { openVaults, readStatement } from './create.ts';
import type { Sealing } from './keys.ts';
import { type Reconciled, reconcile } from './reconcile.ts';
import { vaultRow } from './records.ts';
import { applyRevocations } from './revocations.ts';
import type { Rclone } from './stores/rclone-daemon.ts';

export interface Rebuilt extends Reconciled {
  vaultId: string;
  name: string;
}

/**
 * Makes the index anew from the stores alone, and from the replicas where they have what the stores lack. The caller holds the lock on the data directory.
 * @param options `quick` reads only the packs' trailers, not every byte to compare its hash with its name
 */
export async function rebuildIndex(options: {
  dataDir: string;
  db: Db;
  master: Sealing;
  quick: boolean;
  outgoing?: Outgoing;
  rclone?: Rclone;
}): Promise<Rebuilt[]> {
  const { dataDir, db, master, quick, outgoing = createOutgoing(false), rclone } = options;
  const vaults = await openVaults({ dataDir, master, outgoing, rclone, locks: storeLockQueries(db) });
  // Before anything is emptied that could not be filled again.
  for (const { secrets, store, unreachable } of vaults) {
    if (!unreachable) continue;
    if (!store.replica) throw new FailureError(unreachable);
    await readStatement({ place: 'The replica', secrets, store: store.replica });
  }
  const context = createContext(db, vaults, Date.now);
  const rebuilt: Rebuilt[] = [];
  for (const vault of vaults) {
    context.index.clear(vault.id);
    vault.store.lock?.forget();
    context.index.addVault(vaultRow(vault));
    const result = await reconcile(context, vault, { quick, both: true });
    rebuilt.push({ vaultId: vault.id, name: vault.secrets.name, ...result });
  }
  await applyRevocations(dataDir, db);
  return rebuilt;
}
