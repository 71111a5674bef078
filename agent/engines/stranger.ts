import { lookup } from 'node:dns/promises';
import { connect } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import type { ConnectionBase } from '../../protocol/engines/engine.ts';
import { engineDefinition } from '../../protocol/engines/registry.ts';
import { type Failure, type FailureCode, FailureError } from '../../protocol/failure.ts';
import type { EngineDriver, ServerTarget } from './driver.ts';

/** Failures that also come about where what listens there speaks another protocol. */
const DOUBTFUL: readonly FailureCode[] = ['internal', 'connection_timeout', 'server_gone'];
/** How long whoever listens there has to show what it is, in milliseconds: whoever asked waits already. */
const PATIENCE_MS = 2_000;

/**
 * The driver, but where a question fails in one of the ways that come of talking to something else, it is found out
 * who listens there: one engine's server under another engine's name says so, and does not look like a lost packet.
 * @param others drivers of all engines
 */
export function namingStrangers(driver: EngineDriver, others: () => EngineDriver[]): EngineDriver {
  const named = async <T>(server: ServerTarget<ConnectionBase>, asked: Promise<T>): Promise<T> => {
    try {
      return await asked;
    } catch (error) {
      throw (await strangerBehind(error, server, { driver, others })) ?? error;
    }
  };
  return {
    ...driver,
    probe: (server, context) => named(server, driver.probe(server, context)),
    listDatabases: (server, context) => named(server, driver.listDatabases(server, context)),
    preflightBackup: (server, wish, context) => named(server, driver.preflightBackup(server, wish, context)),
    preflightRestore: (server, input, context) =>
      named(server, driver.preflightRestore(server, input, context)),
  };
}

type Parties = { driver: EngineDriver; others: () => EngineDriver[] };

async function strangerBehind(
  error: unknown,
  server: ServerTarget<ConnectionBase>,
  { driver, others }: Parties,
): Promise<FailureError | undefined> {
  const { connection } = server;
  // A socket's path is an engine's own already.
  if (!(error instanceof FailureError) || connection.host.startsWith('/')) return undefined;
  const { failure } = error;
  if (!DOUBTFUL.includes(failure.code)) return undefined;
  const { host, port } = connection;
  if (failure.code === 'connection_timeout' && !(await resolves(host))) {
    const unanswered = Object.assign(new Error('No name server answered.'), { code: 'EAI_AGAIN' });
    return new FailureError(driver.explain(unanswered, server), { cause: error });
  }
  if (!(await takesConnections(host, port))) return undefined;
  const signal = AbortSignal.timeout(PATIENCE_MS);
  const meet = (one: EngineDriver) => one.identify?.({ host, port }, signal).catch(() => undefined);
  const met = await Promise.all(others().map(async (one) => ((await meet(one)) ? [one.engine] : [])));
  const engines = met.flat();
  if (engines.includes(driver.engine)) return undefined; // what it was added as: the failure is its own
  const words = { at: `${host}:${port}`, wanted: driver.engine };
  if (engines[0] !== undefined) return new FailureError(otherEngine(engines[0], words), { cause: error });
  return failure.code === 'server_gone'
    ? undefined
    : new FailureError(noDatabase(failure, words), { cause: error });
}

const labelOf = (engine: string) => engineDefinition(engine)?.descriptor.label ?? engine;

function otherEngine(found: string, { at, wanted }: { at: string; wanted: string }): Failure {
  const port = engineDefinition(wanted)?.descriptor.defaultPort;
  return {
    code: 'wrong_engine',
    message: `At ${at} ${labelOf(found)} answers, not ${labelOf(wanted)}.`,
    hint: `Add it as a ${labelOf(found)} server. If you mean a ${labelOf(wanted)} server, enter its own host and port (usually ${port}).`,
    retryable: false,
  };
}

/** Something takes connections there and is no server that we know, or one that does not get to answering. */
function noDatabase(failure: Failure, { at, wanted }: { at: string; wanted: string }): Failure {
  const label = labelOf(wanted);
  if (failure.code === 'connection_timeout') {
    return {
      ...failure,
      message: `${at} takes connections, but nothing answered within 10 seconds.`,
      hint: `Check that it is the port of ${label} itself. If it is, the server hangs or is overloaded: look at its load and its log. A proxy or tunnel in between may have lost the server behind it.`,
    };
  }
  return {
    code: 'wrong_engine',
    message: `What answers at ${at} does not speak like a ${label} server.`,
    hint: `Check the port: another program listens there. ${label} usually has ${engineDefinition(wanted)?.descriptor.defaultPort}.`,
    retryable: false,
    detail: failure.message,
  };
}

/** Whether the name has an address by now. Name servers that do not answer look like lost packets otherwise. */
async function resolves(host: string): Promise<boolean> {
  const found = lookup(host).then(
    () => true,
    () => false,
  );
  return await Promise.race([found, delay(PATIENCE_MS, false, { ref: false })]);
}

function takesConnections(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, timeout: PATIENCE_MS });
    const answer = (taken: boolean) => {
      socket.destroy();
      resolve(taken);
    };
    socket.once('connect', () => answer(true));
    socket.once('timeout', () => answer(false));
    socket.once('error', () => answer(false));
  });
}
