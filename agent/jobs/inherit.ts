import { toFailure } from '../../protocol/failure.ts';
import type { BackupOffer } from '../../protocol/job.ts';
import type { VaultStatement } from '../../protocol/vault/statement.ts';
import { openHeritage } from '../pipeline/heritage.ts';
import type { VaultClient } from '../pipeline/vault-client.ts';
import type { JobContext } from './context.ts';
import type { JobParts } from './parts.ts';

interface Place {
  statement: VaultStatement;
  vault: VaultClient;
  context: JobContext;
}

/**
 * Before a successor's first backup of a database: takes over what its predecessor proved of it, so that chunks that
 * are there are not uploaded again and no number is used twice. Where nothing can be proved it begins anew, which
 * costs an upload and is no danger.
 */
export async function inherit(parts: JobParts, offer: BackupOffer, place: Place): Promise<void> {
  const { keys, predecessor, vaults } = parts;
  const { database, serverId } = offer;
  const vaultId = offer.vault.id;
  const { context } = place;
  if (!predecessor || (await vaults.newest(vaultId, database.id)) > 0) return;
  try {
    const document = await place.vault.heritage(offer, context.signal);
    const { signingKey } = place.statement;
    const about = { vaultId, serverId, databaseId: database.id };
    const heritage = await openHeritage(
      document,
      { signingKey, predecessorId: predecessor.id, ...about },
      parts.identity.sealingIdentity,
    );
    const resumed = !predecessor.anew && (await keys.adopt({ vaultId, serverId }, heritage));
    // Last: from here on it is not asked for again.
    await vaults.committed(vaultId, database.id, heritage.sequence);
    context.log(
      `Goes on after snapshot ${heritage.sequence} of “${predecessor.name}”${resumed ? ', and reuses what is stored of it' : ''}.`,
    );
  } catch (error) {
    context.signal.throwIfAborted();
    const { code, message } = toFailure(error);
    if (code === 'not_found') return; // it never backed this database up
    context.log(`What “${predecessor.name}” stored is not reused: ${message}`);
  }
}
