import { index, integer, sqliteTable, text, uniqueIndex } from 'drizzle-orm/sqlite-core';

/** Times are milliseconds since the epoch, on the control plane's clock. */
export const agents = sqliteTable('agents', {
  id: text().primaryKey(),
  name: text().notNull(),
  /** Ed25519, base64url. */
  identityKey: text().notNull().unique(),
  /** age recipient. */
  sealingKey: text().notNull(),
  version: text(),
  /** JSON of protocol `Inventory`. */
  inventory: text(),
  createdAt: integer().notNull(),
  lastSeenAt: integer(),
  revokedAt: integer(),
  /** The agent whose place it took, with its servers; that one is revoked. At most one takes it. */
  predecessorId: text(),
  /** Words that tell whose it is or what it is for; users may be limited to agents with some. */
  labels: text({ mode: 'json' }).$type<string[]>().notNull().default([]),
});

export const enrolmentTokens = sqliteTable('enrolment_tokens', {
  id: text().primaryKey(),
  name: text(),
  tokenHash: text().notNull().unique(),
  createdAt: integer().notNull(),
  expiresAt: integer().notNull(),
  createdBy: text().notNull(),
  usedAt: integer(),
  /** Agent that used it: the same agent may ask again when the reply was lost. */
  agentId: text(),
  /** The agent whose place whoever uses it takes; null for a token that adds an agent. */
  successorOf: text(),
  /** Whether its maker agreed that this agent is cut off even if it is connected. */
  cutsOff: integer({ mode: 'boolean' }).notNull().default(false),
});

export const servers = sqliteTable(
  'servers',
  {
    id: text().primaryKey(),
    agentId: text()
      .notNull()
      .references(() => agents.id),
    name: text().notNull(),
    engine: text().notNull(),
    /** JSON of the non-secret connection, as the agent reported it. */
    connection: text().notNull(),
    version: text(),
    addedOnHost: integer({ mode: 'boolean' }).notNull(),
    /** Since when every database on it is protected as soon as it is seen; null where each is chosen by hand. */
    autoProtectSince: integer(),
    /** Set when the agent no longer holds credentials for it, or a user removed it; snapshots stay. */
    removedAt: integer(),
    /** Since when it waits for its credentials to be entered anew: its agent took the place of the one they were sealed to. */
    awaitsCredentialsSince: integer(),
    createdAt: integer().notNull(),
  },
  (t) => [index('servers_agent').on(t.agentId)],
);

export const databases = sqliteTable(
  'databases',
  {
    id: text().primaryKey(),
    serverId: text()
      .notNull()
      .references(() => servers.id),
    name: text().notNull(),
    createdAt: integer().notNull(),
    /** Null while no backups are made of it; snapshots stay. */
    protectedAt: integer(),
    /** When a person stopped protecting it, or removed its server; null also where nobody ever chose. */
    stoppedAt: integer(),
    /** JSON of protocol `TableSelection`; null: everything. */
    selection: text(),
  },
  (t) => [
    uniqueIndex('databases_name').on(t.serverId, t.name),
    index('databases_listed').on(t.name, t.id, t.serverId, t.protectedAt),
  ],
);

/**
 * What is to be known of each database at a glance, as its snapshots and backups say it: a summary, kept by triggers on
 * those tables (migration 0008) and never written otherwise. Also of databases that are known no more.
 */
export const databaseFacts = sqliteTable('database_facts', {
  databaseId: text().primaryKey(),
  snapshots: integer().notNull().default(0),
  /** Bytes, of all its snapshots. */
  rawBytes: integer().notNull().default(0),
  storedBytes: integer().notNull().default(0),
  /** Its newest backup; null before the first. */
  backupJobId: text(),
  backupCreatedAt: integer(),
  backupState: text({
    enum: ['queued', 'offered', 'running', 'succeeded', 'failed', 'cancelled', 'lost'],
  }),
  backupFinishedAt: integer(),
});

export const jobs = sqliteTable(
  'jobs',
  {
    id: text().primaryKey(),
    kind: text({ enum: ['backup', 'restore', 'drill'] }).notNull(),
    state: text({
      enum: ['queued', 'offered', 'running', 'succeeded', 'failed', 'cancelled', 'lost'],
    }).notNull(),
    agentId: text()
      .notNull()
      .references(() => agents.id),
    serverId: text()
      .notNull()
      .references(() => servers.id),
    /** Backup: the database; restore and drill: the database the snapshot is of. */
    databaseId: text()
      .notNull()
      .references(() => databases.id),
    /** Backup: the snapshot it will make; restore and drill: the one it reads. */
    snapshotId: text().notNull(),
    vaultId: text().notNull(),
    /** Backups: number of the snapshot within its database, fixed by the first offer. */
    sequence: integer(),
    /** JSON of protocol `RestorePlan`, restores only. */
    plan: text(),
    /** Not offered before this job has succeeded; fails with it. */
    afterJobId: text(),
    /** Whether it logs in with credentials given for it alone; those are in memory only. */
    oneTimeAccount: integer({ mode: 'boolean' }).notNull().default(false),
    attempt: integer().notNull(),
    maxAttempts: integer().notNull(),
    /** Not offered before this time. */
    notBefore: integer().notNull(),
    /** The attempt is lost when this passes without a sign of life. */
    leaseUntil: integer(),
    cancelRequestedAt: integer(),
    /** JSON of protocol `Progress`. */
    progress: text(),
    /** JSON of protocol `JobResult`. */
    result: text(),
    /** JSON of protocol `Failure`. */
    failure: text(),
    requestedBy: text().notNull(),
    createdAt: integer().notNull(),
    startedAt: integer(),
    finishedAt: integer(),
  },
  (t) => [
    // With all that a page of a list is found by: the rows themselves, which are wide, are read for that page alone.
    index('jobs_listed').on(t.createdAt, t.id, t.agentId),
    index('jobs_in_state').on(t.state, t.createdAt, t.id, t.agentId),
    index('jobs_of_database').on(t.databaseId, t.createdAt, t.id, t.agentId, t.state),
    index('jobs_of_agent').on(t.agentId, t.createdAt, t.id, t.state),
    index('jobs_after').on(t.afterJobId),
  ],
);

export const jobAttempts = sqliteTable(
  'job_attempts',
  {
    jobId: text()
      .notNull()
      .references(() => jobs.id, { onDelete: 'cascade' }),
    attempt: integer().notNull(),
    state: text({
      enum: ['offered', 'running', 'succeeded', 'failed', 'cancelled', 'lost', 'returned'],
    }).notNull(),
    startedAt: integer().notNull(),
    finishedAt: integer(),
    failure: text(),
  },
  (t) => [uniqueIndex('job_attempts_key').on(t.jobId, t.attempt)],
);

export const jobLog = sqliteTable(
  'job_log',
  {
    id: integer().primaryKey({ autoIncrement: true }),
    jobId: text()
      .notNull()
      .references(() => jobs.id, { onDelete: 'cascade' }),
    at: integer().notNull(),
    text: text().notNull(),
  },
  (t) => [index('job_log_job').on(t.jobId, t.id)],
);

export const auditLog = sqliteTable(
  'audit_log',
  {
    id: integer().primaryKey({ autoIncrement: true }),
    at: integer().notNull(),
    actorKind: text({ enum: ['user', 'api-key', 'agent', 'system'] }).notNull(),
    actorId: text(),
    actorName: text(),
    action: text().notNull(),
    targetKind: text(),
    targetId: text(),
    targetName: text(),
    /** Address the request came from. */
    source: text(),
    /** JSON, no secrets. */
    details: text(),
  },
  (t) => [index('audit_at').on(t.at)],
);

/** Single-row facts, e.g. the hash of the set-up link while no owner exists. */
export const settings = sqliteTable('settings', { key: text().primaryKey(), value: text().notNull() });
