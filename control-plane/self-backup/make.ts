import { randomUUID } from 'node:crypto';
import { chmod, mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { FailureError } from '../../protocol/failure.ts';
import { HOMEPORT_VERSION } from '../../protocol/version.ts';
import { DATABASE_FILE, type Db } from '../db/open.ts';
import { keyFileNames, keysFolder } from '../keys/folder.ts';
import type { OpenVault } from '../vault/create.ts';
import { idIn, SELF_BACKUPS, selfBackupName } from '../vault/layout.ts';
import { requireVault } from '../vault/replicas/copy.ts';
import type { Store } from '../vault/stores/store.ts';
import { archive } from './archive.ts';

/** A backup of the control plane that a store has. */
export interface MadeSelfBackup {
  /** Path inside the store. */
  name: string;
  /** Bytes, as stored. */
  bytes: number;
  /** Where, in words. */
  place: string;
  vaultId: string;
  /** Whether the vault's replica has it as well; null where it has none. */
  copied: boolean | null;
}

export interface MakeOptions {
  db: Db;
  dataDir: string;
  vault: OpenVault;
  /** Whether the master key is kept elsewhere than in the data directory. */
  masterKeyApart: boolean;
  /** Milliseconds since the epoch. */
  now: number;
  /** How many stay. */
  keep: number;
}

/** More is no index of a control plane. Bytes. */
const MAX_BYTES = 2 ** 40;
const ROOM = 'self-backup';

/**
 * Copies the database while it is in use, seals it with the key files to the vault's recipient and puts it into the
 * vault's store, and its replica. Older ones beyond `keep` go.
 * @throws FailureError `store_unavailable` | `disk_full`
 */
export async function makeSelfBackup(options: MakeOptions): Promise<MadeSelfBackup> {
  const { dataDir, db, keep, masterKeyApart, now, vault } = options;
  const room = join(dataDir, ROOM);
  await rm(room, { recursive: true, force: true });
  await mkdir(room, { mode: 0o700 });
  try {
    const copy = join(room, DATABASE_FILE);
    await db.$client.backup(copy);
    await chmod(copy, 0o600);
    const keys = (await keyFileNames(dataDir)).filter((name) => isKept(name, masterKeyApart)).sort();
    const files = [
      ...keys.map((name) => ({ name: `keys/${name}`, path: join(keysFolder(dataDir), name) })),
      { name: DATABASE_FILE, path: copy },
    ];
    const id = randomUUID();
    const name = selfBackupName(id, now);
    const about = { format: 1, vaultId: vault.id, id, homeport: HOMEPORT_VERSION, masterKeyApart } as const;
    const statement = { ...about, createdAt: new Date(now).toISOString() };
    const { recipient, signing } = vault.secrets;
    const body = () => archive({ statement, files, signing, recipient });
    const { primary, replica } = vault.store;
    // A disk that is not mounted would be written to below its mount point.
    await requireVault(primary);
    const bytes = await primary.put(name, await body(), { maxBytes: MAX_BYTES });
    await prune(primary, keep);
    const copied = replica ? await putCopy(replica, { name, body, keep }) : null;
    return { name, bytes, place: vault.place, vaultId: vault.id, copied };
  } finally {
    await rm(room, { recursive: true, force: true });
  }
}

/** Half-written files are not kept, nor a master key of the data directory that is not the one in use. */
function isKept(name: string, masterKeyApart: boolean): boolean {
  return !name.endsWith('.tmp') && !(masterKeyApart && name === 'master.key');
}

/** That the replica is away costs no backup: the vault says that itself. */
async function putCopy(
  replica: Store,
  { body, keep, name }: { name: string; body: () => ReturnType<typeof archive>; keep: number },
): Promise<boolean> {
  try {
    await replica.put(name, await body(), { maxBytes: MAX_BYTES });
    await prune(replica, keep);
    return true;
  } catch (error) {
    if (error instanceof FailureError) return false;
    throw error;
  }
}

/** Names of those that a store has, oldest first. */
export async function selfBackupsIn(store: Pick<Store, 'list'>): Promise<string[]> {
  const names: string[] = [];
  for await (const { name } of store.list(SELF_BACKUPS)) if (idIn('selfBackup', name)) names.push(name);
  return names.sort();
}

async function prune(store: Store, keep: number): Promise<void> {
  for (const name of (await selfBackupsIn(store)).slice(0, -keep)) {
    await store.remove?.(name).catch((error: unknown) => {
      // One that is locked goes when its lock has ended.
      if (!(error instanceof FailureError)) throw error;
    });
  }
}
