import { join } from 'node:path';
import { z } from 'zod';
import { fail } from '../../../protocol/failure.ts';
import type { Outgoing } from '../../../protocol/outgoing.ts';
import type { StoreLockQueries } from '../../db/store-locks.ts';
import { VAULT_FILE } from '../layout.ts';
import { LocalStore } from './local.ts';
import type { Rclone } from './rclone-daemon.ts';
import { describeRemote, rcloneOptionsSchema } from './rclone-options.ts';
import { describeBucket, s3OptionsSchema } from './s3-options.ts';
import type { Store } from './store.ts';

/** Which store a vault has, with all it takes to open it: secrets where it is elsewhere. */
export const storeChoiceSchema = z.discriminatedUnion('kind', [
  /** `path`: a directory of the operator's; where absent one in the data directory. */
  z.object({ kind: z.literal('local'), path: z.string().optional() }),
  s3OptionsSchema,
  rcloneOptionsSchema,
]);
export type StoreChoice = z.infer<typeof storeChoiceSchema>;
/** A store that is not on this host, with its secrets. */
export type StoreElsewhere = Exclude<StoreChoice, { kind: 'local' }>;

export const LOCAL: StoreChoice = { kind: 'local' };

/** Where stores find what is theirs on this host, and what they may ask of the network. */
export interface StoreGround {
  dataDir: string;
  outgoing: Outgoing;
  /** What vaults on rclone’s remotes are opened with. */
  rclone?: Rclone | undefined;
  /** Where stores that lock files note it; where absent they ask each time. */
  locks?: StoreLockQueries | undefined;
  /** Milliseconds since the epoch; the system’s where absent. */
  now?: (() => number) | undefined;
}

/**
 * Opens a vault’s store; nothing is asked of it yet.
 * @param spoolName folder of what is on its way there: its own for each store in use
 * @throws FailureError `forbidden` for a bucket on this host
 */
export async function openStore(
  ground: StoreGround,
  vaultId: string,
  { choice, spoolName = vaultId }: { choice: StoreChoice; spoolName?: string },
): Promise<Store> {
  if (choice.kind === 'local')
    return choice.path === undefined
      ? new LocalStore(localFolder(ground.dataDir, vaultId))
      : new LocalStore(choice.path, { marker: VAULT_FILE });
  const spool = join(ground.dataDir, 'spool', spoolName);
  if (choice.kind === 'rclone') {
    const { RcloneStore } = await import('./rclone.ts');
    return new RcloneStore(choice, { rclone: requireRclone(ground), spool });
  }
  // Loaded here: half of what the control plane needs to start, for those who have no bucket.
  const { S3Store } = await import('./s3.ts');
  const { locks, now, outgoing } = ground;
  return new S3Store(choice, { outgoing, spool, locks, now });
}

/** Where a vault’s files are, for people. */
export function placeOf(
  { dataDir }: Pick<StoreGround, 'dataDir'>,
  vaultId: string,
  choice: StoreChoice,
): string {
  if (choice.kind === 'local') return choice.path ?? localFolder(dataDir, vaultId);
  return choice.kind === 's3' ? describeBucket(choice) : describeRemote(choice);
}

/** @throws FailureError `store_unavailable` in a process that runs none */
export function requireRclone({ rclone }: StoreGround): Rclone {
  if (rclone) return rclone;
  throw fail('store_unavailable', 'This process runs no rclone.', 'Start the control plane.');
}

function localFolder(dataDir: string, vaultId: string): string {
  return join(dataDir, 'vaults', vaultId);
}
