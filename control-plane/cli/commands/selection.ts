import { type Command, Option } from 'commander';
import { FailureError, fail } from '../../../protocol/failure.ts';
import type { Finding } from '../../../protocol/restore.ts';
import { EVERYTHING, type TableSelection } from '../../../protocol/selection.ts';
import { EXIT, isOutOfReach, Quit } from '../exit.ts';
import type { Client } from '../remote/client.ts';
import { databaseCalled } from '../remote/resolve.ts';
import { backupPreflightShape, type Database, databaseShape } from '../remote/shapes.ts';
import { JSON_OPTION, type Json, remark, sayFacts, sayJson } from '../say.ts';
import { findingLines } from './restore-words.ts';
import { connect } from './session.ts';

interface SelectionOptions extends Json {
  include?: string[];
  exclude?: string[];
  everything?: true;
  dryRun?: true;
}

/** `selection`. */
export function addSelectionCommand(root: Command): void {
  root
    .command('selection')
    .description('show or choose whose rows the backups of a database hold')
    .argument('<database>', 'id, name or server/database')
    .option('--include <pattern...>', 'only rows of these tables; * stands for any characters')
    .option('--exclude <pattern...>', 'no rows of these tables; their definitions stay')
    .addOption(new Option('--everything', 'rows of all tables again').conflicts(['include', 'exclude']))
    .option('--dry-run', 'only say what would be left out')
    .option(...JSON_OPTION)
    .action(selection);
}

async function selection(wanted: string, options: SelectionOptions): Promise<void> {
  const client = await connect();
  const database = await databaseCalled(client, wanted);
  const chosen = chosenIn(options);
  if (!chosen) {
    if (options.dryRun)
      throw fail('invalid_input', '--dry-run of what?', 'Add --include, --exclude or --everything.');
    return show(database, options.json);
  }
  await tryOut(client, database, { chosen, dryRun: options.dryRun === true });
  if (options.dryRun) return;
  show(await client.patch(`/databases/${database.id}`, { selection: chosen }, databaseShape), options.json);
}

function chosenIn({ everything, exclude, include }: SelectionOptions): TableSelection | undefined {
  if (everything) return EVERYTHING;
  return include || exclude ? { include: include ?? [], exclude: exclude ?? [] } : undefined;
}

/**
 * Says what the selection leaves out, asked of the server now. One that stands in the way of every backup is refused;
 * one that nobody can try now, because the agent is away, is not.
 */
async function tryOut(
  client: Client,
  { id }: Database,
  { chosen, dryRun }: { chosen: TableSelection; dryRun: boolean },
): Promise<void> {
  const path = `/databases/${id}/preflight`;
  let findings: Finding[];
  try {
    ({ findings } = await client.post(path, { selection: chosen }, backupPreflightShape));
  } catch (error) {
    if (dryRun || !(error instanceof FailureError) || !isOutOfReach(error.failure)) throw error;
    return remark(`Not tried out: ${error.message}`);
  }
  for (const finding of findings) remark(...findingLines(finding));
  if (dryRun && findings.length === 0) remark('Nothing is left out.');
  if (findings.some(({ severity }) => severity === 'blocker')) throw refused();
}

function refused(): Quit {
  remark('No backup would be possible with it: nothing was changed.');
  return new Quit(EXIT.failed);
}

function show(database: Database, json: true | undefined): void {
  if (json) {
    sayJson(database);
    return;
  }
  const { name, selection, serverName } = database;
  const rows = selection?.include.length ? selection.include.join(', ') : 'all tables';
  sayFacts([
    ['Database', `${serverName}/${name}`],
    ['Rows of', rows],
    ...(selection?.exclude.length ? [['But not of', selection.exclude.join(', ')] as const] : []),
  ]);
}
