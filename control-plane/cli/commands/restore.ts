import { type Command, Option } from 'commander';
import { OWNER_CHOICES, type OwnerChoice, type RestoreMode } from '../../../protocol/engines/engine.ts';
import { fail } from '../../../protocol/failure.ts';
import type { RestorePlan, RestorePreflight } from '../../../protocol/restore.ts';
import { requirePossible } from '../../jobs/restore-check.ts';
import { EXIT, Quit } from '../exit.ts';
import type { Client } from '../remote/client.ts';
import { agentCalled, serverCalled, snapshotCalled } from '../remote/resolve.ts';
import { sealAccount } from '../remote/seal.ts';
import { jobShape, preflightShape, type Server, type Snapshot } from '../remote/shapes.ts';
import { JSON_OPTION, remark, sayJson } from '../say.ts';
import { ask, readSecret } from '../secrets.ts';
import { WAIT_OPTIONS, type WaitOptions } from '../wait/wait.ts';
import { confirmName, someoneIsThere } from './confirm.ts';
import { afterStart } from './jobs.ts';
import { describeRestore, effectOf } from './restore-words.ts';
import { connect } from './session.ts';

interface RestoreOptions extends WaitOptions {
  of?: string;
  to: string;
  as?: string;
  swap?: true;
  inPlace?: true;
  into?: string;
  owners: OwnerChoice;
  mapTo?: string;
  endSessions?: true;
  enableEvents?: true;
  safetySnapshot: boolean;
  account?: string;
  passwordFile?: string;
  dryRun?: true;
  yes?: true;
  confirm?: string;
  wait?: true;
}

/** `restore`. */
export function addRestoreCommand(root: Command): void {
  const conflicts = (flags: string, text: string, others: string[]) =>
    new Option(flags, text).conflicts(others);
  const command = root
    .command('restore')
    .description('put a snapshot back: as a new database, or in the place of one')
    .argument('<snapshot>', 'id; with --of also “latest” or a number')
    .option('--of <database>', 'the database it is of: id, name or server/database')
    .requiredOption('--to <server>', 'where to: id, name or agent/server')
    .addOption(
      conflicts('--as <name>', 'as a new database of this name (default: as it was called)', [
        'swap',
        'inPlace',
        'into',
      ]),
    )
    .addOption(
      conflicts('--swap', 'beside the present database, then exchange the two; the former is kept', [
        'inPlace',
      ]),
    )
    .addOption(conflicts('--in-place', 'drop what is in the present database and fill it anew', ['swap']))
    .option('--into <name>', 'with --swap or --in-place: the present database (default: as it was called)')
    .addOption(
      new Option('--owners <choice>', 'who owns what is restored').choices(OWNER_CHOICES).default('keep'),
    )
    .option('--map-to <role>', 'give everything to this role or account (--owners map)')
    .option('--end-sessions', 'end live sessions on the database that is replaced')
    .option('--enable-events', 'let the database’s own scheduled events run afterwards')
    .option('--no-safety-snapshot', 'with --in-place: take no snapshot of what is there before')
    .option('--account <user>', 'log in with this account for this restore only; the agent forgets it')
    .option('--password-file <file>', 'its password, from a file of mode 0600; - is standard input')
    .option('--dry-run', 'only say what would happen')
    .option('--yes', 'do not ask before a new database is made')
    .option('--confirm <name>', 'the name of the database that is replaced, in place of typing it')
    .option(...JSON_OPTION);
  for (const option of WAIT_OPTIONS) command.addOption(option);
  command.action(restore);
}

async function restore(wanted: string, options: RestoreOptions): Promise<void> {
  refuseNonsense(options);
  const client = await connect();
  const snapshot = await snapshotCalled(client, wanted, options.of);
  const server = await serverCalled(client, options.to);
  const plan = planOf(options, snapshot);
  const sealed = await accountOf(client, { server, snapshot, plan }, options);
  const path = `/snapshots/${snapshot.id}/restore`;
  const target = { serverId: server.id, targetDatabase: plan.targetDatabase, ...sealed };
  const preflight = (await client.post(`${path}/preflight`, target, preflightShape)) as RestorePreflight;
  const safety = plan.mode === 'in-place' && options.safetySnapshot ? { safetySnapshot: true } : {};
  if (options.dryRun && options.json) sayJson(preflight);
  else for (const line of describeRestore({ snapshot, server, plan, preflight, ...safety })) remark(line);
  requirePossible(plan, preflight); // the control plane does so, too
  if (options.dryRun) return;
  await agree(plan, options, effectOf(plan, server));
  const body = { serverId: server.id, plan, confirm: plan.targetDatabase, ...safety, ...sealed };
  const job = await client.post(path, body, jobShape);
  await afterStart(client, job, options);
}

function refuseNonsense(options: RestoreOptions): void {
  const replaces = options.swap === true || options.inPlace === true;
  const wrong = (message: string, hint: string) => fail('invalid_input', message, hint);
  if (options.into !== undefined && !replaces)
    throw wrong(
      '--into names a database to replace.',
      'Add --swap or --in-place, or use --as for a new one.',
    );
  if (!options.safetySnapshot && !options.inPlace)
    throw wrong('--no-safety-snapshot is for --in-place.', 'Leave it out: nothing is lost here.');
  if (options.owners === 'map' && options.mapTo === undefined)
    throw wrong('--owners map needs to know to whom.', 'Add --map-to ROLE.');
  if (options.passwordFile !== undefined && options.account === undefined)
    throw wrong('--password-file is for --account.', 'Add --account USER.');
}

function planOf(options: RestoreOptions, { databaseName }: Snapshot): RestorePlan {
  const mode: RestoreMode = options.swap ? 'swap' : options.inPlace ? 'in-place' : 'new';
  const targetDatabase = (mode === 'new' ? options.as : options.into) ?? databaseName;
  if (targetDatabase === '')
    throw fail('invalid_input', 'The name of the target is empty.', 'Name it: --as NAME or --into NAME.');
  const mapped = options.mapTo === undefined ? {} : { mapTo: options.mapTo };
  return {
    mode,
    targetDatabase,
    owners: options.mapTo === undefined ? options.owners : 'map',
    ...mapped,
    endSessions: options.endSessions === true,
    ...(options.enableEvents
      ? { switches: ['enable-events'] as const satisfies RestorePlan['switches'] }
      : {}),
  };
}

/** The account for this restore alone, sealed here to the server's agent. */
async function accountOf(
  client: Client,
  { plan, server, snapshot }: { server: Server; snapshot: Snapshot; plan: RestorePlan },
  { account, passwordFile }: RestoreOptions,
): Promise<{ sealed: string } | Record<string, never>> {
  if (account === undefined) return {};
  const agent = await agentCalled(client, server.agentId);
  const password = await readSecret(`Password of ${account}`, passwordFile);
  const { mode, targetDatabase } = plan;
  const restore = { snapshotId: snapshot.id, mode, targetDatabase };
  return { sealed: await sealAccount(server, agent, { user: account, password, restore }) };
}

/** @throws FailureError `invalid_input` where what is replaced was not named */
async function agree(plan: RestorePlan, options: RestoreOptions, effect: string): Promise<void> {
  const { mode, targetDatabase } = plan;
  if (mode !== 'new') return confirmName({ name: targetDatabase, what: 'database' }, effect, options.confirm);
  if (options.yes || !someoneIsThere()) return;
  const answer = await ask('Restore it? [y/N] ');
  if (!/^y(es)?$/i.test(answer.trim())) throw declined();
}

function declined(): Quit {
  remark('Nothing was changed.');
  return new Quit(EXIT.failed);
}
