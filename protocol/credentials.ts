import { z } from 'zod';
import { RESTORE_MODES } from './engines/engine.ts';

const uuid = z.uuid();

/**
 * The clear content of a sealed credentials blob: JSON, age-encrypted to the agent's sealing key in the
 * browser. It binds the password to its destination: the agent refuses it for any other agent, server,
 * name, engine or connection.
 */
export const serverCredentialsSchema = z.object({
  v: z.literal(1),
  agentId: uuid,
  serverId: uuid,
  /** Name the server is to be known by; local policies go by it, so it is not the control plane's to choose. */
  name: z.string().max(255).optional(),
  engine: z.string().max(32),
  /** The engine's connection object, parsed by the engine's own schema on the agent. */
  connection: z.record(z.string(), z.unknown()),
  password: z.string().max(4096),
  /** Only for credentials given for one restore: the one they are good for. They are no server's to keep. */
  restore: z
    .object({ snapshotId: uuid, mode: z.enum(RESTORE_MODES), targetDatabase: z.string().max(255) })
    .optional(),
});
export type ServerCredentials = z.infer<typeof serverCredentialsSchema>;

/** base64 of an age file holding {@link ServerCredentials}. */
export const sealedCredentialsSchema = z.base64().max(200_000);

/** The restore that credentials were given for. */
export type RestoreBinding = NonNullable<ServerCredentials['restore']>;
