import type { Command } from 'commander';
import { z } from 'zod';
import { fail } from '../../../protocol/failure.ts';
import type { Client } from '../remote/client.ts';
import { type Policy, policyShape } from '../remote/policy-shapes.ts';
import { agentCalled, databaseCalled, policyCalled, serverCalled } from '../remote/resolve.ts';
import { JSON_OPTION, type Json, remark, say, sayJson, sayTable } from '../say.ts';
import { counted, when } from '../text.ts';
import { confirmName } from './confirm.ts';
import { type Blackout, blackouts, daysOf, monthDay, number } from './policy-times.ts';
import { type RetentionOptions, retentionOf, retentionOptions, retentionText } from './retention.ts';
import { connect } from './session.ts';

interface SetOptions extends Json, RetentionOptions {
  hourly?: number;
  daily?: true;
  weekly?: number[];
  monthly?: number | 'last';
  cron?: string;
  at?: string;
  timeZone?: string;
  spread?: number;
  catchUp?: boolean;
  blackout?: Blackout[];
  everywhere?: boolean;
  label?: string[];
  drillDays?: number | 'off';
}

/** `policies`, `set-policy`, `use-policy`, `remove-policy`. */
export function addPolicyCommands(root: Command): void {
  root
    .command('policies')
    .description('list the policies by which databases are backed up by themselves')
    .option(...JSON_OPTION)
    .action(policies);
  const setting = root
    .command('set-policy')
    .description('add a policy, or change the one with this name; what is not given stays as it is')
    .argument('<name>')
    .option('--hourly <minute>', 'each hour, so many minutes past it', number)
    .option('--daily', 'each day, with --at')
    .option('--weekly <days>', 'on days such as mon,thu or mon-fri, with --at', daysOf)
    .option('--monthly <day>', 'on a day from 1 to 28, or last, with --at', monthDay)
    .option('--cron <expression>', 'by a cron expression of five fields')
    .option('--at <time>', 'time of day, HH:MM')
    .option('--time-zone <zone>', 'such as Europe/Berlin; at first this host’s')
    .option('--spread <minutes>', 'over which the databases are spread', number)
    .option('--catch-up', 'begin late what was due while the control plane was down')
    .option('--no-catch-up', 'wait for the next time')
    .option('--blackout <when>', 'begin nothing then: mon-fri/08:00-18:00; may be repeated', blackouts)
    .option('--label <label>', 'for agents with it; may be repeated', collect)
    .option('--drill-days <days>', 'try the newest snapshot out every so many days; or off', daysOrOff)
    .option('--everywhere', 'for everything that nothing nearer decides about')
    .option('--no-everywhere', 'not for everything');
  retentionOptions(setting)
    .option(...JSON_OPTION)
    .action(setPolicy);
  root
    .command('use-policy')
    .description(
      'choose the policy of one database, server or agent: a name, none for by hand only, or inherit',
    )
    .argument('<policy>')
    .option('--database <database>', 'id, name or server/database')
    .option('--server <server>', 'id, name or agent/server')
    .option('--agent <agent>', 'id or name')
    .action(choosePolicy);
  root
    .command('remove-policy')
    .description('remove a policy; its databases have what is further away, or are backed up by hand only')
    .argument('<policy>', 'id or name')
    .option('--confirm <name>', 'its own name, in place of typing it')
    .option(...JSON_OPTION)
    .action(removePolicy);
}

async function policies({ json }: Json): Promise<void> {
  const all = await (await connect()).get('/policies', z.array(policyShape));
  if (json) return sayJson(all);
  const rows = all.map((one) => [
    one.name,
    whenOf(one),
    retentionText(one.retention),
    [...(one.everywhere ? ['everything'] : []), ...one.labels].join(', ') || '–',
    String(one.databaseCount),
    when(one.nextAt),
  ]);
  sayTable(
    ['NAME', 'WHEN', 'KEEPS', 'FOR', 'DATABASES', 'NEXT'],
    rows,
    'There is no policy: homeport set-policy NAME --daily --at 02:00 --everywhere',
  );
}

function whenOf({ schedule: { timeZone, timing } }: Policy): string {
  const { kind, ...rest } = timing;
  return `${kind} ${Object.values(rest).flat().join(' ')} ${timeZone}`;
}

async function setPolicy(name: string, options: SetOptions): Promise<void> {
  const client = await connect();
  const before = (await client.get('/policies', z.array(policyShape))).find((one) => one.name === name);
  const timing = timingOf(options) ?? before?.schedule.timing;
  if (timing === undefined) throw noTiming();
  const { blackout, catchUp, drillDays, everywhere, label, spread, timeZone } = options;
  const here = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const wish = {
    name,
    schedule: {
      timing,
      timeZone: timeZone ?? before?.schedule.timeZone ?? here,
      spreadMinutes: spread ?? before?.schedule.spreadMinutes,
      catchUp: catchUp ?? before?.schedule.catchUp,
      blackouts: blackout ?? before?.schedule.blackouts,
    },
    everywhere: everywhere ?? before?.everywhere,
    labels: label ?? before?.labels,
    retention: retentionOf(options, before?.retention ?? null),
    drill: drillDays === undefined ? before?.drill : drillDays === 'off' ? null : { everyDays: drillDays },
  };
  const saved = before
    ? await client.put(`/policies/${before.id}`, wish, policyShape)
    : await client.post('/policies', wish, policyShape);
  if (options.json) return sayJson(saved);
  say(`${name}: ${whenOf(saved)}, for ${counted(saved.databaseCount, 'database')}.`);
  if (saved.nextAt !== null) remark(`Next ${when(saved.nextAt)}.`);
}

function timingOf({
  at,
  cron,
  daily,
  hourly,
  monthly,
  weekly,
}: SetOptions): Policy['schedule']['timing'] | undefined {
  const wished = [cron, daily, hourly, monthly, weekly].filter((one) => one !== undefined);
  if (wished.length === 0 && at === undefined) return undefined;
  if (wished.length !== 1) throw noTiming();
  if (cron !== undefined) return { kind: 'cron', expression: cron };
  if (hourly !== undefined) return { kind: 'hourly', minute: hourly };
  if (at === undefined) throw fail('invalid_input', 'The time of day is missing.', 'Add --at HH:MM.');
  if (weekly !== undefined) return { kind: 'weekly', days: weekly, at };
  return monthly === undefined ? { kind: 'daily', at } : { kind: 'monthly', day: monthly, at };
}

interface Target {
  database?: string;
  server?: string;
  agent?: string;
}

async function choosePolicy(wanted: string, { agent, database, server }: Target): Promise<void> {
  const client = await connect();
  if ([agent, database, server].filter((one) => one !== undefined).length !== 1) {
    throw fail(
      'invalid_input',
      'Whose policy it is, is missing.',
      'Add one of --database, --server and --agent.',
    );
  }
  const { name, path } = await targetOf(client, { agent, database, server });
  const fixed = wanted === 'none' || wanted === 'inherit';
  const policy = fixed ? wanted : (await policyCalled(client, wanted)).id;
  await client.put(`${path}/policy`, { policy }, z.looseObject({ policy: z.string() }));
  say(
    { none: `${name} is backed up by hand only.`, inherit: `${name} has what is further away.` }[wanted] ??
      `${name} has the policy ${wanted}.`,
  );
}

async function targetOf(
  client: Client,
  { agent, database, server }: { [K in keyof Target]: string | undefined },
): Promise<{ name: string; path: string }> {
  if (database !== undefined) {
    const { id, name } = await databaseCalled(client, database);
    return { name, path: `/databases/${id}` };
  }
  if (server !== undefined) {
    const { id, name } = await serverCalled(client, server);
    return { name, path: `/servers/${id}` };
  }
  const { id, name } = await agentCalled(client, String(agent));
  return { name, path: `/agents/${id}` };
}

async function removePolicy(wanted: string, { confirm, json }: Json & { confirm?: string }): Promise<void> {
  const client = await connect();
  const { databaseCount, id, name } = await policyCalled(client, wanted);
  const words = `${counted(databaseCount, 'database')} with it will have what is further away.`;
  await confirmName({ name, what: 'policy' }, words, confirm);
  const gone = await client.delete(`/policies/${id}`, { confirm: name }, z.looseObject({ id: z.string() }));
  if (json) return sayJson(gone);
  say(`The policy ${name} is gone.`);
}

function daysOrOff(text: string): number | 'off' {
  return text === 'off' ? text : number(text);
}

function collect(label: string, before: string[] = []): string[] {
  return [...before, label];
}

function noTiming() {
  return fail(
    'invalid_input',
    'How often is not said, or not said once.',
    'Give one of --hourly MINUTE, --daily, --weekly DAYS, --monthly DAY and --cron EXPRESSION.',
  );
}
