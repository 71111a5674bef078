import type { RestoreMode } from '../../../protocol/engines/engine.ts';
import type { Finding, RestorePlan, RestorePreflight } from '../../../protocol/restore.ts';
import type { Server, Snapshot } from '../remote/shapes.ts';
import { bytes, indented, when } from '../text.ts';

const FLAGS = { new: '--as', swap: '--swap', 'in-place': '--in-place' } satisfies Record<RestoreMode, string>;

interface Planned {
  snapshot: Snapshot;
  server: Server;
  plan: RestorePlan;
  preflight: RestorePreflight;
  safetySnapshot?: boolean;
}

/** What a restore would do and what the agent found, as lines for people. */
export function describeRestore({ plan, preflight, safetySnapshot, server, snapshot }: Planned): string[] {
  const { findings, missing, target } = preflight;
  const lines = [
    `Snapshot #${snapshot.sequence} of ${snapshot.serverName}/${snapshot.databaseName}, ${when(snapshot.createdAt)}, ${bytes(snapshot.rawBytes)}`,
    `→ ${intention(plan)} on ${server.name} (agent ${server.agentName}, ${server.engine} ${preflight.serverVersion})`,
  ];
  if (plan.mode !== 'new' && target.exists) lines.push(presentOf(plan, target));
  if (safetySnapshot) lines.push('A snapshot of what is there now is taken first.');
  for (const { kind, names } of missing)
    if (names.length > 0) lines.push(`Missing there, ${kind.toLowerCase()}: ${names.join(', ')}`);
  for (const finding of findings)
    if (!finding.modes || finding.modes.includes(plan.mode)) lines.push(...findingLines(finding));
  return [...lines, ...alternatives(plan, preflight)];
}

/** Where the plan is not possible: what is. */
function alternatives(plan: RestorePlan, { modes, ownerChoices }: RestorePreflight): string[] {
  const lines: string[] = [];
  if (!modes.some(({ mode, possible }) => possible && mode === plan.mode)) {
    const others = modes.filter(({ possible }) => possible).map(({ mode }) => FLAGS[mode]);
    if (others.length > 0) lines.push(`Possible there: ${others.join(', ')}`);
  }
  if (!ownerChoices.some(({ choice, possible }) => possible && choice === plan.owners)) {
    const others = ownerChoices.filter(({ possible }) => possible).map(({ choice }) => choice);
    if (others.length > 0) lines.push(`Possible there: --owners ${others.join(' or ')}`);
  }
  return lines;
}

/** What is lost or changed by it, in one sentence. */
export function effectOf({ mode, targetDatabase }: RestorePlan, { name }: Server): string {
  if (mode === 'swap')
    return `This puts the snapshot in the place of database “${targetDatabase}” on ${name}, which is kept under another name.`;
  if (mode === 'in-place')
    return `This drops what is in database “${targetDatabase}” on ${name} and puts the snapshot’s contents there.`;
  return `This makes database “${targetDatabase}” on ${name}.`;
}

function intention({ mode, owners, mapTo, targetDatabase }: RestorePlan): string {
  const how = { new: 'new database', swap: 'in exchange for', 'in-place': 'in place, into' }[mode];
  return `${how} “${targetDatabase}”, owners: ${mapTo === undefined ? owners : `${owners} to ${mapTo}`},`;
}

function presentOf(
  { mode }: RestorePlan,
  { keptAs, sessions, sizeBytes }: RestorePreflight['target'],
): string {
  const facts = [
    ...(sizeBytes === undefined ? [] : [bytes(sizeBytes)]),
    ...(sessions === undefined ? [] : [`${sessions} live sessions`]),
    ...(keptAs === undefined || mode !== 'swap' ? [] : [`kept as “${keptAs}”`]),
  ];
  return `The present database: ${facts.length > 0 ? facts.join(', ') : 'is there'}.`;
}

/** What an agent found out, and what to do about it. */
export function findingLines({ hint, message, severity, sql }: Finding): string[] {
  const lines = [`${severity}: ${message}`];
  if (hint !== undefined) lines.push(indented(hint));
  if (sql !== undefined) lines.push('  SQL to paste:', indented(indented(sql)));
  return lines;
}
