import type { ConnectionBase } from '../../protocol/engines/engine.ts';
import type { Failure } from '../../protocol/failure.ts';
import type {
  BackupPreflight,
  RestorePlan,
  RestorePreflight,
  RestoreReport,
} from '../../protocol/restore.ts';
import type { TableSelection } from '../../protocol/selection.ts';
import type { SnapshotCatalog } from '../../protocol/vault/manifest.ts';
import type { DrillPlace } from '../drills/place.ts';

/** A server with all that is needed to log in; lives in memory only as long as one operation. */
export interface ServerTarget<C extends ConnectionBase = ConnectionBase> {
  connection: C;
  password: string;
}

/** What an operation reports while it runs, and how it is stopped. */
export interface OperationContext {
  /** Aborted on cancel, stall or lost lease; children are then ended, TERM first. */
  signal: AbortSignal;
  /** A line for the job's log; never a secret. */
  log(line: string): void;
  /** A change of phase, in words people read: `dumping`, `restoring data`, `swapping`. */
  phase(name: string): void;
  /**
   * A database is about to be made that nobody else knows of. On disk once resolved, so that an agent which is
   * killed can drop it when it starts again. Absent where nothing is made.
   */
  scratch?(database: string): Promise<void>;
  /** The server is at work on what it was given, though no byte moves: the job has not stalled. */
  working?(): void;
}

/** A client tool found on this host. */
export interface ToolFact {
  name: string;
  version: string;
  path: string;
  /** First version of its series without a vulnerability that this one is known for; absent where there is none. */
  safer?: string;
}

/** What a login showed. */
export interface ServerFacts {
  version: string;
  /** Account logged in as, as the server names it. */
  user: string;
  /** What the account may do, in one line for people, e.g. `superuser` or `CREATEDB`. */
  privileges: string;
  tls: boolean;
  /** Round trip of the login, in milliseconds. */
  latencyMs: number;
}

export interface DatabaseFacts {
  name: string;
  sizeBytes: number | null;
  owner: string | null;
  /** Whether the account may log in to it; backing up may still need more. */
  connectable: boolean;
}

/**
 * Takes one stream of a dump; resolves once its bytes are safe. May be called concurrently. What the stream gives
 * belongs to the sink, which frees the memory before it asks for more.
 */
export type StreamSink = (
  stream: { name: string; format: string },
  body: AsyncIterable<Uint8Array>,
) => Promise<void>;

/** What is to be backed up. */
export interface DumpWish {
  database: string;
  selection: TableSelection;
}

/** Where a server might listen: an address with its port, or the path of a unix socket. */
export type Endpoint = { host: string; port: number } | { path: string };

/** What every server of an engine tells before any login. */
export interface Greeting {
  /** `null` where it shows only after a login. */
  version: string | null;
}

/** A process of the agent's host that holds a socket of interest. */
export interface HostProcess {
  pid: number;
  /** Name of its program, at most 15 bytes. */
  name: string;
}

/** What servers of an engine leave to be seen on a host, before anybody asks them. */
export interface EngineTraces {
  /** Ports they usually listen on, the engine's own first. */
  ports: readonly number[];
  /** Names of their programs, as the kernel keeps them. */
  programs: readonly string[];
  /** Container images they come in: the last part of the name, without its tag. */
  images: readonly string[];
  /** Host and port that a connection has for this unix socket; `undefined` where it is none of this engine. */
  socket(path: string): { host: string; port: number } | undefined;
  /** The version as the server's process shows it, where the agent may look. */
  version?(process: HostProcess): Promise<string | undefined>;
}

/** What a dump says about itself once it is whole. */
export interface DumpResult {
  catalog: SnapshotCatalog;
  serverVersion: string;
  tool: string;
  /** Options that shaped the dump, for the manifest. */
  options: Record<string, string | boolean>;
}

/** What a restore starts from: the verified manifest's words and a way to its bytes. */
export interface RestoreSource {
  serverVersion: string;
  /** A preflight gets no list of tables: it may be long. */
  catalog: Pick<SnapshotCatalog, 'requirements' | 'objectCounts'> & Partial<Pick<SnapshotCatalog, 'tables'>>;
}

/**
 * Opens a stream of the snapshot. Chunks are authenticated before they are yielded; the iterator throws at
 * its end if the whole does not match the manifest, so a driver must drain it before it makes changes final.
 */
export type StreamOpener = (name: string) => AsyncIterable<Uint8Array>;

/** A table by its names; engines without schemas leave that empty. */
export interface TableName {
  schema: string;
  name: string;
}

/** A snapshot that was restored on a disposable server. Its database is asked by roles that can do no harm there. */
export interface Rehearsal extends AsyncDisposable {
  /** Of the disposable server. */
  readonly serverVersion: string;
  /** What was left out, in sentences. */
  readonly notes: readonly string[];
  /** Exact number of rows; null where there is no such table. */
  count(table: TableName): Promise<number | null>;
  /**
   * Runs one query, which can change nothing, and gives the first column of its only row.
   * @throws FailureError whose message holds no value of the data
   */
  ask(query: string, timeoutMs: number): Promise<unknown>;
}

/** How an engine's snapshots are tried out. */
export interface DrillDriver {
  /**
   * Starts a server of nothing but this drill in `place`, on a unix socket there, and restores into it as a role that
   * owns nothing but the one database: what a dump holds is hostile code. What is in `place` is the caller's to remove.
   * @throws FailureError `drill_not_possible` | `tool_missing` where it says nothing about the snapshot
   */
  rehearse(
    place: DrillPlace,
    input: { source: RestoreSource; open: StreamOpener },
    context: OperationContext,
  ): Promise<Rehearsal>;
}

/** Everything Homeport needs to know about one engine. Failures are thrown as `FailureError`. */
export interface EngineDriver<C extends ConnectionBase = ConnectionBase> {
  readonly engine: string;
  /** Parses the connection part of credentials; throws `invalid_input`. */
  parseConnection(value: unknown): C;
  /** Client tools installed on this host, newest first. */
  detect(): Promise<ToolFact[]>;
  /**
   * The tools with which databases of a server of this version are backed up and restored here.
   * @throws FailureError `tool_missing` | `tool_too_old`
   */
  toolsFor(serverVersion: string, signal: AbortSignal): Promise<ToolFact[]>;
  /**
   * Whether a server of this engine answers at `endpoint`, told without logging in; `undefined` where it does not.
   * Must leave no trace that locks an account or a host out. Where absent the engine cannot be discovered.
   */
  identify?(endpoint: Endpoint, signal: AbortSignal): Promise<Greeting | undefined>;
  /** Where its servers are looked for; without it only its default port is. */
  readonly traces?: EngineTraces;
  /** Logs in once and says what was met. */
  probe(server: ServerTarget<C>, context: OperationContext): Promise<ServerFacts>;
  listDatabases(server: ServerTarget<C>, context: OperationContext): Promise<DatabaseFacts[]>;
  /** What a backup needs and would miss; nothing is changed. */
  preflightBackup(
    server: ServerTarget<C>,
    wish: DumpWish,
    context: OperationContext,
  ): Promise<BackupPreflight>;
  /** Dumps into `sink`. Resolves only for a dump that is proved whole; otherwise throws. */
  dump(
    server: ServerTarget<C>,
    wish: DumpWish,
    sink: StreamSink,
    context: OperationContext,
  ): Promise<DumpResult>;
  /** What a restore onto this server could do; nothing is changed. */
  preflightRestore(
    server: ServerTarget<C>,
    input: { plan: Pick<RestorePlan, 'targetDatabase'>; source: RestoreSource },
    context: OperationContext,
  ): Promise<RestorePreflight>;
  /**
   * Restores. On failure the target is as it was before; where an engine cannot promise that for `in-place`, the
   * failure's hint says in what state the target is.
   */
  restore(
    server: ServerTarget<C>,
    input: { plan: RestorePlan; source: RestoreSource; open: StreamOpener },
    context: OperationContext,
  ): Promise<RestoreReport>;
  /** Drops a database that a restore or drill of ours made and nobody took over. */
  dropScratch(server: ServerTarget<C>, database: string, context: OperationContext): Promise<void>;
  /** Where absent, its snapshots cannot be drilled. */
  readonly drills?: DrillDriver;
  /** What a client library's or tool's error means, with its remedy. */
  explain(error: unknown, server: ServerTarget<C>): Failure;
}
