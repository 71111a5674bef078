import type { Command } from 'commander';
import { z } from 'zod';
import { fail } from '../../../protocol/failure.ts';
import { databaseCalled, snapshotCalled } from '../remote/resolve.ts';
import { type Snapshot, snapshotShape } from '../remote/shapes.ts';
import { JSON_OPTION, type Json, say, sayFacts, sayJson, sayTable } from '../say.ts';
import { bytes, when } from '../text.ts';
import { confirmName } from './confirm.ts';
import { connect } from './session.ts';

/** `snapshots`, `snapshot`. */
export function addSnapshotCommands(root: Command): void {
  root
    .command('snapshots')
    .description('list snapshots, newest first')
    .argument('[database]', 'only of this one: id, name or server/database')
    .option(...JSON_OPTION)
    .action(snapshots);
  root
    .command('snapshot')
    .description('show one snapshot and what is in it')
    .argument('<snapshot>', 'id; with --of also “latest” or a number')
    .option('--of <database>', 'the database it is of: id, name or server/database')
    .option(...JSON_OPTION)
    .action(snapshot);
  root
    .command('keep-snapshot')
    .description('pin a snapshot, so that no policy deletes it, or note something about it')
    .argument('<snapshot>', 'id; with --of also “latest” or a number')
    .option('--of <database>', 'the database it is of: id, name or server/database')
    .option('--pin', 'it stays whatever the policy says')
    .option('--no-pin', 'the policy decides again')
    .option('--note <text>', 'what is to be known of it; an empty one removes it')
    .action(keepSnapshot);
  root
    .command('delete-snapshot')
    .description('delete a snapshot; its space is freed within a day')
    .argument('<snapshot>', 'id; with --of also a number')
    .option('--of <database>', 'the database it is of: id, name or server/database')
    .option('--confirm <name>', 'its database’s own name, in place of typing it')
    .action(deleteSnapshot);
}

async function snapshots(wanted: string | undefined, { json }: Json): Promise<void> {
  const client = await connect();
  const only = wanted === undefined ? '' : `?databaseId=${(await databaseCalled(client, wanted)).id}`;
  const all = await client.list(`/snapshots${only}`, snapshotShape);
  if (json) return sayJson(all);
  const rows = all.map((one) => [
    one.id,
    `#${one.sequence}`,
    `${one.serverName}/${one.databaseName}`,
    when(one.createdAt),
    `${bytes(one.rawBytes)}${one.partial ? ' (partial)' : ''}${one.state === 'damaged' ? ' (damaged)' : ''}`,
    bytes(one.storedBytes),
    copyText(one),
    when(one.lockedUntil),
    stayText(one),
  ]);
  sayTable(
    ['ID', 'NUMBER', 'DATABASE', 'TAKEN', 'SIZE', 'UPLOADED', 'REPLICA', 'LOCKED UNTIL', 'STAYS'],
    rows,
    'There is no snapshot yet.',
  );
}

function copyText({ copied }: Snapshot): string {
  if (copied == null) return '–';
  return copied ? 'copied' : 'waiting';
}

/** Why it stays, or when it goes. */
function stayText({ expiresAt, kept, pinned }: Snapshot): string {
  if (expiresAt !== null) return `until ${when(expiresAt)}`;
  const reasons = kept.map(({ period, rule }) => (period === undefined ? rule : `${rule} ${period}`));
  return reasons.join(', ') || (pinned ? 'pinned' : 'yes');
}

const contentsShape = snapshotShape.extend({
  catalog: z.looseObject({
    objectCounts: z.record(z.string(), z.number()),
    leftOut: z.array(z.string()).optional(),
  }),
});

async function snapshot(wanted: string, { json, of }: Json & { of?: string }): Promise<void> {
  const client = await connect();
  const { id } = await snapshotCalled(client, wanted, of);
  const one = await client.get(`/snapshots/${id}`, contentsShape);
  if (json) return sayJson(one);
  const contents = Object.entries(one.catalog.objectCounts).map(
    ([kind, n]) => `${n} × ${kind.toLowerCase()}`,
  );
  sayFacts([
    ['Snapshot', `#${one.sequence} of ${one.serverName}/${one.databaseName}`],
    ['Id', one.id],
    ['Taken', when(one.createdAt)],
    ['Size', `${bytes(one.rawBytes)}, ${bytes(one.storedBytes)} uploaded`],
    ['Replica', copyText(one)],
    ['Locked until', when(one.lockedUntil)],
    ...(one.state === 'damaged'
      ? [['State', 'damaged: a check found something it needs lost'] as const]
      : []),
    ['Stays', stayText(one)],
    ...(one.note === null ? [] : [['Note', one.note] as const]),
    ['Server version', one.serverVersion],
    ['Contents', contents.join(', ')],
    ...(one.catalog.leftOut?.length ? [['Without rows', one.catalog.leftOut.join(', ')] as const] : []),
  ]);
}

interface KeepOptions {
  of?: string;
  pin?: boolean;
  note?: string;
}

async function keepSnapshot(wanted: string, { note, of, pin }: KeepOptions): Promise<void> {
  if (note === undefined && pin === undefined)
    throw fail('invalid_input', 'What is to change is not said.', 'Add --pin, --no-pin or --note TEXT.');
  const client = await connect();
  const { id } = await snapshotCalled(client, wanted, of);
  const change = {
    ...(pin === undefined ? {} : { pinned: pin }),
    ...(note === undefined ? {} : { note: note || null }),
  };
  const one = await client.patch(`/snapshots/${id}`, change, snapshotShape);
  say(`Snapshot #${one.sequence} of ${one.serverName}/${one.databaseName}: ${stayText(one)}.`);
}

async function deleteSnapshot(wanted: string, options: { of?: string; confirm?: string }): Promise<void> {
  const client = await connect();
  const { databaseName, id, sequence } = await snapshotCalled(client, wanted, options.of);
  const effect = `Snapshot #${sequence} of ${databaseName} cannot be restored any more.`;
  await confirmName({ name: databaseName, what: 'database' }, effect, options.confirm);
  await client.delete(`/snapshots/${id}`, { confirm: databaseName }, z.looseObject({ id: z.string() }));
  say(`Snapshot #${sequence} of ${databaseName} is gone.`);
}
