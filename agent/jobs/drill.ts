import {
  type Assertion,
  type AssertionOutcome,
  type DrillReport,
  MAX_DIFFERENCES,
  type TableDifference,
} from '../../protocol/drill.ts';
import { type FailureError, fail, toFailure } from '../../protocol/failure.ts';
import type { DrillOffer, JobResult } from '../../protocol/job.ts';
import type { SnapshotCatalog } from '../../protocol/vault/manifest.ts';
import type { OperationContext, Rehearsal } from '../engines/driver.ts';
import type { OpenedSnapshot } from '../pipeline/restore.ts';
import type { JobContext } from './context.ts';
import type { JobParts } from './parts.ts';
import { enforcePolicy } from './policy.ts';
import { openOffered, otherEngine } from './restore.ts';

/** How long one assertion's query may take, in milliseconds. */
const ASSERTION_MS = 60_000;
const MAX_NOTES = 50;
const MAX_TEXT = 1000;
const MAX_NAME = 600;

/**
 * Restores a snapshot on a disposable server of this host, holds what came of it against what the backup recorded, and
 * removes all of it. The database's own server is not touched.
 * @throws FailureError where the snapshot cannot be restored, or the drill not be carried out
 */
export async function runDrill(parts: JobParts, offer: DrillOffer, context: JobContext): Promise<JobResult> {
  const startedAt = performance.now();
  context.phase('checking');
  const server = await parts.servers.get(offer.serverId);
  enforcePolicy(parts.policy, { kind: 'drill', server: server.name, database: offer.database.name });
  const { drills } = parts.driverFor(server.engine);
  if (!drills) throw noDrills(server.engine);
  const snapshot = await openOffered(parts, offer, context);
  const { catalog, manifest, totalBytes } = snapshot;
  if (manifest.server.engine !== server.engine) throw otherEngine(manifest.server.engine, server.engine);
  context.progress({ totalBytes });
  await using place = await parts.drills.open(totalBytes, context.signal);
  try {
    // Without a note of what a restore makes: it is in the place, and never on the database's own server.
    const { log, phase, working } = context;
    const own: OperationContext = { log, phase, signal: place.signal, ...(working ? { working } : {}) };
    const source = { serverVersion: manifest.server.version, catalog };
    await using rehearsal = await drills.rehearse(place, { source, open: snapshot.open }, own);
    const asked = parts.policy.drill === 'counts-only' ? [] : offer.assertions;
    const found = await examine(rehearsal, { catalog, asked, context: own });
    const notes = [...rehearsal.notes, ...unasked(offer.assertions.length - asked.length)];
    const durationMs = Math.round(performance.now() - startedAt);
    const report = reportOf(found, { serverVersion: rehearsal.serverVersion, durationMs, notes });
    context.phase('removing the server');
    return { kind: 'drill', rawBytes: totalBytes, report };
  } catch (error) {
    if (place.signal.aborted) throw place.signal.reason; // whatever it died of then, that is what happened
    throw error;
  }
}

interface Found {
  tables: DrillReport['tables'];
  differences: TableDifference[];
  assertions: AssertionOutcome[];
}

async function examine(
  rehearsal: Rehearsal,
  how: { catalog: OpenedSnapshot['catalog']; asked: readonly Assertion[]; context: OperationContext },
): Promise<Found> {
  const { asked, catalog, context } = how;
  context.phase('counting rows');
  const left = leftOut(catalog);
  const counted = catalog.tables.filter(({ name, schema }) => !left.has(labelOf({ schema, name })));
  const differences: TableDifference[] = [];
  let rows = 0;
  for (const { name, rows: expected, schema } of counted) {
    context.signal.throwIfAborted();
    const found = await rehearsal.count({ schema, name });
    context.working?.();
    rows += found ?? 0;
    if (found !== expected)
      differences.push({ table: labelOf({ schema, name }).slice(0, MAX_NAME), expected, found });
  }
  const tables = { compared: counted.length, uncounted: left.size, rows };
  context.log(
    `${counted.length} tables counted, ${rows} rows; ${differences.length} differ from the backup.`,
  );
  if (asked.length > 0) context.phase('checking assertions');
  const assertions: AssertionOutcome[] = [];
  for (const assertion of asked) {
    assertions.push(await check(rehearsal, assertion));
    context.signal.throwIfAborted();
    context.working?.();
  }
  return { tables, differences, assertions };
}

/** Tables whose rows the backup left out: it recorded no number. */
function leftOut({ requirements }: Pick<SnapshotCatalog, 'requirements'>): Set<string> {
  const { excludedTables } = requirements;
  return new Set(Array.isArray(excludedTables) ? excludedTables.map(String) : []);
}

const labelOf = ({ name, schema }: { schema: string; name: string }) =>
  schema === '' ? name : `${schema}.${name}`;

async function check(rehearsal: Rehearsal, { name, query }: Assertion): Promise<AssertionOutcome> {
  try {
    const value = await rehearsal.ask(query, ASSERTION_MS);
    if (holds(value)) return { name, outcome: 'passed', message: '' };
    const what = value === null ? 'nothing (NULL)' : value === undefined ? 'no column' : 'false or 0';
    return { name, outcome: 'failed', message: `The query gives ${what}.` };
  } catch (error) {
    const { hint, message } = toFailure(error);
    return { name, outcome: 'error', message: `${message} ${hint}`.slice(0, MAX_TEXT) };
  }
}

/** True, or a number other than 0; drivers give large ones, and MySQL's booleans, as text. */
function holds(value: unknown): boolean {
  if (typeof value === 'boolean') return value;
  const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
  return (typeof number === 'number' && !Number.isNaN(number) && number !== 0) || value === 't';
}

function reportOf(
  { assertions, differences, tables }: Found,
  about: Pick<DrillReport, 'serverVersion' | 'durationMs' | 'notes'>,
): DrillReport {
  const passed = differences.length === 0 && assertions.every(({ outcome }) => outcome === 'passed');
  return {
    ...{ passed, tables, assertions, ...about },
    differences: differences.slice(0, MAX_DIFFERENCES),
    differing: differences.length,
    notes: about.notes.slice(0, MAX_NOTES).map((note) => note.slice(0, MAX_TEXT)),
  };
}

function unasked(count: number): string[] {
  if (count === 0) return [];
  return [`${count} assertions were not checked: the agent’s local policy lets drills count rows only.`];
}

function noDrills(engine: string): FailureError {
  return fail(
    'drill_not_possible',
    `Databases of ${engine} cannot be drilled yet.`,
    'Restore the snapshot to a new database to see whether it is good.',
  );
}
