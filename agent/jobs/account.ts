import { isDeepStrictEqual } from 'node:util';
import type { RestoreBinding } from '../../protocol/credentials.ts';
import { type FailureError, fail } from '../../protocol/failure.ts';
import { openSealedCredentials, type StoredServer } from '../state/servers.ts';
import type { JobParts } from './parts.ts';

type Parts = Pick<JobParts, 'agentId' | 'identity' | 'policy' | 'servers'>;

interface RestoreLogin {
  serverId: string;
  sealed?: string | undefined;
  /** What is about to be done; absent where a preflight only asks what could be. */
  restore?: RestoreBinding;
}

/**
 * A server as one restore logs in to it: with the stored credentials, or with those that somebody sealed for this
 * restore alone. These are used and forgotten; nothing here or after writes them down.
 * @throws FailureError `credentials_missing` | `policy_denied` | `destination_mismatch`
 */
export async function serverForRestore(
  parts: Parts,
  { restore, sealed, serverId }: RestoreLogin,
): Promise<StoredServer> {
  const stored = await parts.servers.get(serverId);
  if (sealed === undefined) return stored;
  enforceHostOnly(parts);
  const { agentId, identity } = parts;
  const given = await openSealedCredentials(sealed, identity.sealingIdentity, { agentId, serverId });
  const same = (['host', 'port'] as const).every((key) => given.connection[key] === stored.connection[key]);
  if (given.engine !== stored.engine || !same) throw elsewhere(stored.name);
  if (given.name !== undefined && given.name !== stored.name) throw elsewhere(stored.name);
  if (!given.restore || (restore && !isDeepStrictEqual(given.restore, restore))) throw otherRestore();
  return { ...stored, connection: given.connection, password: given.password };
}

/** Anybody can seal credentials to this agent; where no password is needed, that alone would be a way in. */
export function enforceHostOnly({ policy }: Pick<Parts, 'policy'>): void {
  if (policy.servers !== 'host-only') return;
  throw fail(
    'policy_denied',
    'The agent’s local policy takes credentials on its own host only: servers are not added, tried or removed from elsewhere, nor other accounts used.',
    'Use “homeport-agent server” there, or change “servers” under [policy] in its configuration file.',
  );
}

/** A control plane that kept the blob could otherwise use it for another snapshot, mode or database. */
function otherRestore(): FailureError {
  return fail(
    'destination_mismatch',
    'The account was not given for this restore: snapshot, mode or database differ.',
    'Check the target again and type user and password for it.',
  );
}

function elsewhere(name: string): FailureError {
  return fail(
    'destination_mismatch',
    `The account was given for another server than “${name}” is: its name, engine, host or port differ.`,
    'Type user and password again for this server.',
  );
}
