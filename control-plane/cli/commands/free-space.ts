import type { Command } from 'commander';
import { z } from 'zod';
import { fail } from '../../../protocol/failure.ts';
import { EXIT, Quit } from '../exit.ts';
import { vaultCalled } from '../remote/resolve.ts';
import { collectedVaultShape } from '../remote/vault-shapes.ts';
import { say, sayFacts } from '../say.ts';
import { bytes, counted } from '../text.ts';
import { pollUntil } from '../wait/poll.ts';
import { confirmName } from './confirm.ts';
import { connect } from './session.ts';

/** `free-space`. */
export function addFreeSpaceCommand(root: Command): void {
  root
    .command('free-space')
    .description('remove from a vault what no snapshot needs, and what interrupted backups have left')
    .argument('<vault>', 'id or name')
    .option(
      '--give-up-forgotten',
      'also what snapshots need that the index has lost: those never come back then',
    )
    .option('--confirm <name>', 'with --give-up-forgotten: the vault’s own name, in place of typing it')
    .option('--wait', 'wait for the end; exit code 1 where it ended early')
    .action(freeSpace);
}

interface FreeOptions {
  wait?: true;
  giveUpForgotten?: true;
  confirm?: string;
}

async function freeSpace(wanted: string, options: FreeOptions): Promise<void> {
  const { confirm, giveUpForgotten, wait } = options;
  const client = await connect();
  const { id, name } = await vaultCalled(client, wanted);
  const effect = 'Snapshots that the index has lost will never come back.';
  if (giveUpForgotten) await confirmName({ name, what: 'vault' }, effect, confirm);
  const body = giveUpForgotten ? { giveUpForgotten, confirm: name } : {};
  await client.post(`/vaults/${id}/collect`, body, collectedVaultShape);
  if (!wait) return say(`Space is being freed in “${name}”. The page Vaults shows what came of it.`);
  const vault = await pollUntil(
    async () => {
      const vaults = await client.get('/vaults', z.array(collectedVaultShape));
      return vaults.find((one) => one.id === id);
    },
    (one) => one?.collection?.finishedAt != null,
  );
  if (!vault?.collection)
    throw fail('not_found', 'There is no such vault any more.', 'homeport vaults lists them.');
  const { bytes: freed, failure, packs, skipped } = vault.collection;
  sayFacts([
    ['Freed', `${bytes(freed)} in ${counted(packs, 'pack')}`],
    ...(skipped > 0
      ? [['Left alone', `${counted(skipped, 'server')} with snapshots that are not whole`] as const]
      : []),
    ...(failure ? [['Ended early', failure.message] as const, ['Remedy', failure.hint] as const] : []),
  ]);
  if (failure) throw new Quit(EXIT.failed);
}
