import { join } from 'node:path';
import { z } from 'zod';
import type { Outgoing } from '../../../protocol/outgoing.ts';
import { LocalStore } from './local.ts';
import { describeBucket, s3OptionsSchema } from './s3-options.ts';
import type { Store } from './store.ts';

/** Which store a vault has, with all it takes to open it: a secret where it is a bucket. */
export const storeChoiceSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('local') }),
  s3OptionsSchema,
]);
export type StoreChoice = z.infer<typeof storeChoiceSchema>;

export const LOCAL: StoreChoice = { kind: 'local' };

/** Where stores find what is theirs on this host, and what they may ask of the network. */
export interface StoreGround {
  dataDir: string;
  outgoing: Outgoing;
}

/** Opens a vault’s store; nothing is asked of it yet. @throws FailureError `forbidden` for a bucket on this host */
export async function openStore(ground: StoreGround, vaultId: string, choice: StoreChoice): Promise<Store> {
  if (choice.kind === 'local') return new LocalStore(localFolder(ground.dataDir, vaultId));
  // Loaded here: half of what the control plane needs to start, for those who have no bucket.
  const { S3Store } = await import('./s3.ts');
  const spool = join(ground.dataDir, 'spool', vaultId);
  return new S3Store(choice, { outgoing: ground.outgoing, spool });
}

/** Where a vault’s files are, for people. */
export function placeOf(
  { dataDir }: Pick<StoreGround, 'dataDir'>,
  vaultId: string,
  choice: StoreChoice,
): string {
  return choice.kind === 'local' ? localFolder(dataDir, vaultId) : describeBucket(choice);
}

function localFolder(dataDir: string, vaultId: string): string {
  return join(dataDir, 'vaults', vaultId);
}
