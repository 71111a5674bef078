import type { Command } from 'commander';
import { z } from 'zod';
import { fail } from '../../../protocol/failure.ts';
import { EXIT, Quit } from '../exit.ts';
import type { Client } from '../remote/client.ts';
import { vaultCalled } from '../remote/resolve.ts';
import { type ReplicatedVault, replicatedVaultShape } from '../remote/vault-shapes.ts';
import { JSON_OPTION, type Json, remark, say, sayFacts, sayJson } from '../say.ts';
import { bytes, counted } from '../text.ts';
import { pollUntil } from '../wait/poll.ts';
import { lockLines } from './bucket-lock.ts';
import { confirmName } from './confirm.ts';
import { number } from './policy-times.ts';
import { type ReplicaPlaceOptions, replicaPlace, replicaPlaceOptions } from './replica-place.ts';
import { connect } from './session.ts';

/** `add-replica`, `replica`, `forget-replica`, `move-vault`, `check-vault`. */
export function addReplicaCommands(root: Command): void {
  replicaPlaceOptions(
    root
      .command('add-replica')
      .description('keep a second copy of a vault in another place; gives the one it has another login')
      .argument('<vault>', 'id or name'),
  ).action(addReplica);
  root
    .command('replica')
    .description('say how far the second copy of a vault is')
    .argument('<vault>', 'id or name')
    .option(...JSON_OPTION)
    .option('--wait', 'wait until everything is copied')
    .action(showReplica);
  root
    .command('forget-replica')
    .description('copy a vault no more; the files of the copy stay where they are')
    .argument('<vault>', 'id or name')
    .option('--confirm <name>', 'the vault’s own name, in place of typing it')
    .action(forgetReplica);
  root
    .command('move-vault')
    .description('let a vault go on at its replica; its store becomes the replica')
    .argument('<vault>', 'id or name')
    .option('--leave-behind', 'at once, where the store is lost: what is not copied is gone')
    .option('--stay', 'end a move that is under way')
    .option('--confirm <name>', 'the vault’s own name, in place of typing it')
    .action(moveVault);
  root
    .command('check-vault')
    .description('read every file of a vault and of its replica, and bring back what is damaged')
    .argument('<vault>', 'id or name')
    .option('--wait', 'wait for the end; exit code 1 where something is lost')
    .option('--every <days>', 'from now on by itself every so many days; 0: never', number)
    .action(checkVault);
}

async function addReplica(wanted: string, options: ReplicaPlaceOptions): Promise<void> {
  const store = await replicaPlace(options);
  const client = await connect();
  const { id } = await vaultCalled(client, wanted);
  const { name, replica } = await client.put(`/vaults/${id}/replica`, { store }, replicatedVaultShape);
  say(`Vault “${name}” is copied to ${replica?.path}.`);
  for (const line of lockLines(replica?.bucket?.lock)) say(line);
  say(`See how far it is:            homeport replica ${id}`);
}

async function showReplica(wanted: string, { json, wait }: Json & { wait?: true }): Promise<void> {
  const client = await connect();
  const { id } = await vaultCalled(client, wanted);
  const vault = wait
    ? await pollUntil(
        () => vaultIn(client, id),
        ({ replica }) => replica?.state !== 'copying',
      )
    : await vaultIn(client, id);
  if (json) return sayJson(vault);
  const { replica, snapshotCount } = vault;
  if (!replica) {
    remark(`Vault “${vault.name}” has no replica.`);
    throw new Quit(EXIT.notFound);
  }
  const { failure, moving, path, pending, state } = replica;
  const left = `${counted(pending.packs, 'pack')}, ${bytes(pending.bytes)}`;
  sayFacts([
    ['Replica', path],
    ['State', `${state}${moving ? ', and the vault moves there' : ''}`],
    ['Snapshots', `${replica.snapshotCount} of ${snapshotCount}`],
    ...(pending.packs > 0 ? [['To copy', left] as const] : []),
    ...(failure ? [['Trouble', failure.message] as const, ['Remedy', failure.hint] as const] : []),
  ]);
  if (failure) throw new Quit(EXIT.failed);
}

async function forgetReplica(wanted: string, { confirm }: { confirm?: string }): Promise<void> {
  const client = await connect();
  const { id, name } = await vaultCalled(client, wanted);
  const effect = `Nothing of “${name}” is copied any more, and nothing that is lost comes back from the copy.`;
  await confirmName({ name, what: 'vault' }, effect, confirm);
  await client.delete(`/vaults/${id}/replica`, { confirm: name }, replicatedVaultShape);
  say(`Vault “${name}” has no replica any more. The files of it stay where they are.`);
}

interface MoveOptions {
  confirm?: string;
  leaveBehind?: true;
  stay?: true;
}

async function moveVault(wanted: string, options: MoveOptions): Promise<void> {
  const { confirm, stay } = options;
  const leaveBehind = options.leaveBehind === true;
  const client = await connect();
  const { id, name } = await vaultCalled(client, wanted);
  if (stay) {
    await client.delete(`/vaults/${id}/move`, {}, replicatedVaultShape);
    return say(`Vault “${name}” stays where it is.`);
  }
  const effect = leaveBehind
    ? `What of “${name}” is not in its replica is given up.`
    : `“${name}” goes on at its replica, and its store becomes the replica.`;
  await confirmName({ name, what: 'vault' }, effect, confirm);
  const body = { confirm: name, leaveBehind };
  const { path, replica } = await client.post(`/vaults/${id}/move`, body, replicatedVaultShape);
  if (!replica?.moving) return say(`Vault “${name}” is in ${path}.`);
  say(`Vault “${name}” moves to ${replica.path} once everything is copied.`);
  return say(`See how far it is:            homeport replica ${id}`);
}

async function checkVault(wanted: string, { every, wait }: { wait?: true; every?: number }): Promise<void> {
  const client = await connect();
  const { id, name } = await vaultCalled(client, wanted);
  if (every !== undefined) {
    await client.put(`/vaults/${id}/check`, { everyDays: every }, replicatedVaultShape);
    return say(
      every === 0
        ? `“${name}” is checked when asked only.`
        : `“${name}” is checked every ${counted(every, 'day')}.`,
    );
  }
  await client.post(`/vaults/${id}/check`, {}, replicatedVaultShape);
  if (!wait) return say(`Every file of “${name}” is being read. The page Vaults shows what is found.`);
  const { check } = await pollUntil(
    () => vaultIn(client, id),
    (one) => one.check?.finishedAt != null,
  );
  if (!check) throw fail('not_found', 'The control plane has started anew.', 'Begin the check again.');
  const { checked, failure, files, healed, lost, lostNames, recopied } = check;
  sayFacts([
    ['Checked', `${checked} of ${counted(files, 'file')}`],
    ['Brought back from the replica', String(healed)],
    ['Copied to the replica anew', String(recopied)],
    ['Whole nowhere', String(lost)],
    ...lostNames.map((file) => ['  lost', file] as const),
    ...(failure ? [['Ended early', failure.message] as const, ['Remedy', failure.hint] as const] : []),
  ]);
  if (lost > 0 || failure) throw new Quit(EXIT.failed);
}

async function vaultIn(client: Client, id: string): Promise<ReplicatedVault> {
  const all = await client.get('/vaults', z.array(replicatedVaultShape));
  const vault = all.find((one) => one.id === id);
  if (!vault) throw fail('not_found', 'There is no such vault any more.', 'homeport vaults lists them.');
  return vault;
}
