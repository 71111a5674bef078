import type { Command } from 'commander';
import { z } from 'zod';
import { databaseCalled, snapshotCalled } from '../remote/resolve.ts';
import { type Snapshot, snapshotShape } from '../remote/shapes.ts';
import { JSON_OPTION, type Json, sayFacts, sayJson, sayTable } from '../say.ts';
import { bytes, when } from '../text.ts';
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
    `${bytes(one.rawBytes)}${one.partial ? ' (partial)' : ''}`,
    bytes(one.storedBytes),
    copyText(one),
    when(one.lockedUntil),
  ]);
  sayTable(
    ['ID', 'NUMBER', 'DATABASE', 'TAKEN', 'SIZE', 'UPLOADED', 'REPLICA', 'LOCKED UNTIL'],
    rows,
    'There is no snapshot yet.',
  );
}

function copyText({ copied }: Snapshot): string {
  if (copied == null) return '–';
  return copied ? 'copied' : 'waiting';
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
    ['Server version', one.serverVersion],
    ['Contents', contents.join(', ')],
    ...(one.catalog.leftOut?.length ? [['Without rows', one.catalog.leftOut.join(', ')] as const] : []),
  ]);
}
