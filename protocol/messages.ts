import { z } from 'zod';
import { sealedCredentialsSchema } from './credentials.ts';
import { doctorReportSchema } from './doctor.ts';
import { failureSchema } from './failure.ts';
import { attemptSchema, jobOfferSchema, jobOutcomeSchema, progressSchema } from './job.ts';
import { versionSchema } from './release.ts';
import { backupPreflightSchema, restorePlanSchema, restorePreflightSchema } from './restore.ts';
import { tableSelectionSchema } from './selection.ts';
import { updateStandingSchema } from './update.ts';

/** Silence after which a side pings, and after which the other counts as dead, in milliseconds. */
export const HEARTBEAT = { pingMs: 15_000, deadMs: 40_000 } as const;

export const RESTORE_POLICIES = ['allow', 'scratch-only', 'deny'] as const;

export const DRILL_POLICIES = ['allow', 'counts-only', 'deny'] as const;

/** The agent's local policy, as it reports it; it wins over anything the control plane asks. */
export const localPolicySchema = z.object({
  /** `scratch-only`: a restore may create a database, never replace one. */
  restore: z.enum(RESTORE_POLICIES),
  update: z.enum(['allow', 'deny']),
  /** `host-only`: credentials are added, tried and removed on the agent's host, never from elsewhere. */
  servers: z.enum(['allow', 'host-only']).optional(),
  /** `deny`: packs go through the control plane, also where the store could be used from here. */
  direct: z.enum(['allow', 'deny']).optional(),
  /** `counts-only`: a drill asks the restored data no questions of the control plane's, it only counts rows. */
  drill: z.enum(DRILL_POLICIES).optional(),
  /** Databases that may be backed up or restored, as `server/database` patterns with `*`; all where absent. */
  databases: z.array(z.string().max(512)).max(1000).optional(),
});
export type LocalPolicy = z.infer<typeof localPolicySchema>;

/** A server the agent holds credentials for. */
export const knownServerSchema = z.object({
  id: z.uuid(),
  name: z.string().max(255),
  engine: z.string().max(32),
  connection: z.record(z.string(), z.unknown()),
});
export type KnownServer = z.infer<typeof knownServerSchema>;

export const inventorySchema = z.object({
  hostname: z.string().max(255),
  os: z.string().max(255),
  arch: z.string().max(32),
  nodeVersion: z.string().max(32),
  version: z.string().max(64),
  tools: z
    .array(
      z.object({
        engine: z.string().max(32),
        name: z.string().max(64),
        version: z.string().max(64),
        path: z.string().max(1024),
      }),
    )
    .max(100),
  servers: z.array(knownServerSchema).max(500),
  policy: localPolicySchema,
  /** Kinds of questions it answers. Agents from before `doctor` do not say. */
  requests: z.array(z.string().max(64)).max(200).optional(),
  /** Kinds of jobs it runs. Agents from before drills do not say: they run backups and restores. */
  jobs: z.array(z.string().max(64)).max(50).optional(),
  /** Agents from before `update` do not say. */
  update: updateStandingSchema.optional(),
});
export type Inventory = z.infer<typeof inventorySchema>;

const restoreSourceFacts = z.object({
  serverVersion: z.string().max(64),
  requirements: z.record(z.string(), z.unknown()),
  objectCounts: z.record(z.string(), z.number()),
});

const serverFactsSchema = z.object({
  version: z.string(),
  user: z.string(),
  privileges: z.string(),
  tls: z.boolean(),
  latencyMs: z.number(),
});

/** A database server that runs on the agent's host, found without credentials. */
export const discoveredServerSchema = z.object({
  engine: z.string().max(32),
  /** `null` where it shows only after a login. */
  version: z.string().max(64).nullable(),
  /** As they go into a connection: an address, or the path that this engine wants for a unix socket. */
  host: z.string().max(255),
  port: z.number().int().min(1).max(65535),
  source: z.enum(['tcp', 'socket', 'container']),
  /** Name of the container it runs in. */
  container: z.string().max(255).optional(),
  /** The server of this agent's that has this address already. */
  serverId: z.uuid().nullable(),
});
export type DiscoveredServer = z.infer<typeof discoveredServerSchema>;

const databaseFactsSchema = z.object({
  name: z.string(),
  sizeBytes: z.number().nullable(),
  owner: z.string().nullable(),
  connectable: z.boolean(),
});

/**
 * The closed set of questions a control plane may ask, each with the schema of its answer. None carries a
 * shell string, a path or a tool flag.
 */
export const REQUESTS = {
  /** Log in once, with stored credentials or with a blob that is then forgotten. */
  'server.probe': {
    request: z.object({
      kind: z.literal('server.probe'),
      serverId: z.uuid(),
      sealed: sealedCredentialsSchema.optional(),
    }),
    value: serverFactsSchema,
  },
  /** Keep a server's credentials. The answer is what the agent read from the blob, for display. */
  'server.put': {
    request: z.object({
      kind: z.literal('server.put'),
      serverId: z.uuid(),
      name: z.string().max(255),
      sealed: sealedCredentialsSchema,
    }),
    value: knownServerSchema,
  },
  'server.remove': {
    request: z.object({ kind: z.literal('server.remove'), serverId: z.uuid() }),
    value: z.object({}),
  },
  'databases.list': {
    request: z.object({ kind: z.literal('databases.list'), serverId: z.uuid() }),
    value: z.object({ databases: z.array(databaseFactsSchema) }),
  },
  'backup.preflight': {
    request: z.object({
      kind: z.literal('backup.preflight'),
      serverId: z.uuid(),
      database: z.string().max(255),
      selection: tableSelectionSchema.optional(),
    }),
    value: backupPreflightSchema,
  },
  'restore.preflight': {
    request: z.object({
      kind: z.literal('restore.preflight'),
      serverId: z.uuid(),
      plan: restorePlanSchema.pick({ targetDatabase: true }),
      source: restoreSourceFacts,
      /** Credentials for this restore alone; see `RestoreOffer`. */
      sealed: sealedCredentialsSchema.optional(),
    }),
    value: restorePreflightSchema,
  },
  /** Look for database servers on the agent's own host; nothing is logged in to. */
  'servers.discover': {
    request: z.object({ kind: z.literal('servers.discover') }),
    value: z.object({
      servers: z.array(discoveredServerSchema).max(100),
      /** What could not be looked at, and how to let the agent, in words for people. */
      notes: z.array(z.string().max(1024)).max(20),
    }),
  },
  /** Look at all the agent needs, as `homeport-agent doctor` does; nothing is changed. */
  doctor: { request: z.object({ kind: z.literal('doctor') }), value: doctorReportSchema },
  /**
   * Become this version: the agent fetches the build from its control plane and checks it; that is when it answers. Then
   * it finishes what runs and has the build put in place; the inventory tells what came of that.
   */
  update: {
    request: z.object({ kind: z.literal('update'), version: versionSchema }),
    value: z.object({}),
  },
} as const;

export type RequestKind = keyof typeof REQUESTS;
export type RequestOf<K extends RequestKind> = z.infer<(typeof REQUESTS)[K]['request']>;
export type ValueOf<K extends RequestKind> = z.infer<(typeof REQUESTS)[K]['value']>;

export const agentRequestSchema = z.discriminatedUnion('kind', [
  REQUESTS['server.probe'].request,
  REQUESTS['server.put'].request,
  REQUESTS['server.remove'].request,
  REQUESTS['databases.list'].request,
  REQUESTS['backup.preflight'].request,
  REQUESTS['restore.preflight'].request,
  REQUESTS['servers.discover'].request,
  REQUESTS.doctor.request,
  REQUESTS.update.request,
]);
export type AgentRequest = z.infer<typeof agentRequestSchema>;

/** control plane → agent. */
export const toAgentSchema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('job.offer'), offer: jobOfferSchema }),
  attemptSchema.extend({ type: z.literal('job.cancel') }),
  /** The outcome is recorded; the agent may forget it. */
  attemptSchema.extend({ type: z.literal('job.acknowledged') }),
  /** This attempt is over for the control plane; the agent stops it and forgets it. */
  attemptSchema.extend({ type: z.literal('job.fenced') }),
  z.object({
    type: z.literal('request'),
    id: z.uuid(),
    deadlineMs: z.number().int().positive(),
    request: agentRequestSchema,
  }),
  z.object({ type: z.literal('request.cancel'), id: z.uuid() }),
  /** A new session bearer; the old one stays good for a minute. */
  z.object({ type: z.literal('renew'), session: z.string().max(256) }),
  /** The control plane is about to stop: keep working, expect to reconnect. */
  z.object({ type: z.literal('drain') }),
  /** This identity is not accepted any more; `failure` where there is more to say than that. */
  z.object({ type: z.literal('revoked'), failure: failureSchema.optional() }),
  /** The last frame could not be understood. */
  z.object({ type: z.literal('refused'), failure: failureSchema }),
]);
export type ToAgent = z.infer<typeof toAgentSchema>;

/** agent → control plane. */
export const toControlPlaneSchema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('inventory'), inventory: inventorySchema }),
  /** Every job the agent runs or holds an unacknowledged outcome for; re-arms their leases. */
  z.object({ type: z.literal('heartbeat'), jobs: z.array(attemptSchema).max(1000), draining: z.boolean() }),
  attemptSchema.extend({ type: z.literal('job.accepted') }),
  /** The agent will not run it: busy, draining or against local policy. */
  attemptSchema.extend({ type: z.literal('job.refused'), failure: failureSchema }),
  attemptSchema.extend({ type: z.literal('job.progress'), progress: progressSchema }),
  attemptSchema.extend({
    type: z.literal('job.log'),
    lines: z.array(z.object({ at: z.iso.datetime(), text: z.string().max(4096) })).max(100),
  }),
  attemptSchema.extend({ type: z.literal('job.finished'), outcome: jobOutcomeSchema }),
  z.object({
    type: z.literal('reply'),
    id: z.uuid(),
    result: z.discriminatedUnion('ok', [
      z.object({ ok: z.literal(true), value: z.unknown() }),
      z.object({ ok: z.literal(false), failure: failureSchema }),
    ]),
  }),
  z.object({ type: z.literal('refused'), failure: failureSchema }),
]);
export type ToControlPlane = z.infer<typeof toControlPlaneSchema>;
