import { type FSWatcher, watch } from 'node:fs';
import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { type ServerCredentials, serverCredentialsSchema } from '../../protocol/credentials.ts';
import { fail } from '../../protocol/failure.ts';
import { type KnownServer, knownServerSchema } from '../../protocol/messages.ts';
import { decryptWith } from '../../protocol/vault/keys.ts';
import { readState, removeDurable, writeDurable } from './durable.ts';

const storedSchema = knownServerSchema.extend({ v: z.literal(1), password: z.string() });
/** A server with its password, as kept in `<state>/servers/<id>.json`. */
export type StoredServer = Omit<z.infer<typeof storedSchema>, 'v'>;

/** The servers this agent holds credentials for. */
export interface ServerStore {
  list(): Promise<KnownServer[]>;
  /** @throws FailureError `credentials_missing` */
  get(serverId: string): Promise<StoredServer>;
  put(server: StoredServer): Promise<KnownServer>;
  remove(serverId: string): Promise<void>;
  /** Calls back when a server was added or removed, by whichever process; returns what stops it. */
  watch(changed: () => void): Promise<() => void>;
}

export function createServerStore(stateDir: string): ServerStore {
  const folder = join(stateDir, 'servers');
  const fileOf = (id: string) => join(folder, `${z.uuid().parse(id)}.json`);
  return {
    async list() {
      const ids = (await listFiles(folder)).map((name) => name.slice(0, -'.json'.length));
      const servers = await Promise.all(ids.map((id) => readState(fileOf(id), storedSchema)));
      return servers
        .filter((server) => server !== undefined)
        .map(publicPart)
        .sort((a, b) => a.name.localeCompare(b.name));
    },
    async get(serverId) {
      const server = await readState(fileOf(serverId), storedSchema);
      if (!server) throw missing(serverId);
      return server;
    },
    async put(server) {
      const text = JSON.stringify({ v: 1, ...server }, null, 2);
      await writeDurable(fileOf(server.id), `${text}\n`);
      return publicPart(server);
    },
    remove: (serverId) => removeDurable(fileOf(serverId)),
    async watch(changed) {
      await mkdir(folder, { recursive: true, mode: 0o700 });
      const watcher: FSWatcher = watch(folder, (_, name) => {
        if (name === null || name.endsWith('.json')) changed();
      });
      watcher.on('error', () => watcher.close()); // the folder is gone: there is nothing to tell
      return () => watcher.close();
    },
  };
}

/** What may be shown of a server: everything but its password. */
function publicPart({ id, name, engine, connection }: KnownServer): KnownServer {
  return { id, name, engine, connection };
}

async function listFiles(folder: string): Promise<string[]> {
  try {
    return (await readdir(folder)).filter((name) => name.endsWith('.json'));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

/**
 * Opens a sealed blob and holds it to its destination.
 * @throws FailureError `destination_mismatch`
 */
export async function openSealedCredentials(
  sealed: string,
  sealingIdentity: string,
  destination: { agentId: string; serverId: string },
): Promise<ServerCredentials> {
  let credentials: ServerCredentials;
  try {
    const text = await decryptWith(sealingIdentity, Buffer.from(sealed, 'base64'));
    credentials = serverCredentialsSchema.parse(JSON.parse(text));
  } catch (cause) {
    throw mismatch('The sealed credentials do not open with this agent’s key.', cause);
  }
  if (credentials.agentId !== destination.agentId || credentials.serverId !== destination.serverId) {
    throw mismatch('The sealed credentials were made for another agent or server.');
  }
  return credentials;
}

function mismatch(message: string, cause?: unknown) {
  return fail('destination_mismatch', message, 'Type the password again for this server.', { cause });
}

function missing(serverId: string) {
  return fail(
    'credentials_missing',
    `This agent holds no credentials for server ${serverId}.`,
    'Save the server again with its password, or run “homeport-agent server add” on the host.',
  );
}
