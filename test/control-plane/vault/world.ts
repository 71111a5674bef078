import { randomUUID } from 'node:crypto';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { generateIdentity, identityToRecipient } from 'age-encryption';
import { eq } from 'drizzle-orm';
import { type BackupContent, startBackup } from '../../../agent/pipeline/backup.ts';
import { buildManifest } from '../../../agent/pipeline/manifest.ts';
import type { VaultClient } from '../../../agent/pipeline/vault-client.ts';
import { closeDb, DATABASE_FILE, type Db, openDb } from '../../../control-plane/db/open.ts';
import { agents, databases, jobs, servers } from '../../../control-plane/db/schema/fleet.ts';
import { createMasterKey, type MasterKey } from '../../../control-plane/keys/master.ts';
import { openVaultService, type VaultOptions, type Vaults } from '../../../control-plane/vault/open.ts';
import type { Reconciled } from '../../../control-plane/vault/reconcile.ts';
import type { RunningJob } from '../../../control-plane/vault/service.ts';
import { ed25519Raw, generateEd25519 } from '../../../protocol/keys.ts';
import { generateVaultKey, keyHash, type VaultKey, wrapKey } from '../../../protocol/vault/keys.ts';
import type { Manifest } from '../../../protocol/vault/manifest.ts';
import { openStatement } from '../../../protocol/vault/statement.ts';
import { CATALOG, type Fleet } from './fleet.ts';

/** A real vault on a real disk with a real index; only jobs are decided by the test. */
export class World implements AsyncDisposable {
  readonly dataDir: string;
  readonly master: MasterKey = createMasterKey(Buffer.alloc(32, 7));
  readonly running = new Map<string, RunningJob>();
  readonly committed: string[] = [];
  reconciled: Reconciled | undefined;
  db!: Db;
  vaults!: Vaults;

  constructor(dataDir: string) {
    this.dataDir = dataDir;
  }

  get vaultId(): string {
    return this.vaults.service.defaultVaultId;
  }

  get storePath(): string {
    return join(this.dataDir, 'vaults', this.vaultId);
  }

  get databaseFile(): string {
    return join(this.dataDir, DATABASE_FILE);
  }

  options(): VaultOptions {
    return {
      dataDir: this.dataDir,
      db: this.db,
      master: this.master,
      jobs: { runningJob: (id) => this.running.get(id) },
      onCommitted: ({ id }) => this.committed.push(id),
      onReconciled: (_id, result) => {
        this.reconciled = result;
      },
    };
  }

  async start(): Promise<void> {
    this.db = openDb(this.databaseFile);
    this.vaults = await openVaultService(this.options());
  }

  stop(): void {
    closeDb(this.db);
  }

  /** Stops, after whatever is being copied. */
  async halt(): Promise<void> {
    if (!this.db.$client.open) return;
    await this.vaults.stop();
    this.stop();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.halt();
    await rm(this.dataDir, { recursive: true, force: true });
  }

  async enrol(): Promise<Fleet> {
    const sealingIdentity = await generateIdentity();
    const sealingKey = await identityToRecipient(sealingIdentity);
    const { key } = generateEd25519();
    const [agentId, serverId, databaseId] = [randomUUID(), randomUUID(), randomUUID()];
    const identityKey = ed25519Raw(key);
    this.db
      .insert(agents)
      .values({ id: agentId, name: 'web-1', identityKey, sealingKey, createdAt: 1 })
      .run();
    const server = { name: 'main', engine: 'postgresql', connection: '{}', addedOnHost: false, createdAt: 1 };
    this.db
      .insert(servers)
      .values({ id: serverId, agentId, ...server })
      .run();
    this.db.insert(databases).values({ id: databaseId, serverId, name: 'Shop', createdAt: 1 }).run();
    await this.vaults.service.certifyAgent({ id: agentId, name: 'web-1', identityKey, sealingKey });
    const idKey = generateVaultKey();
    return { agentId, key, sealingIdentity, sealingKey, serverId, databaseId, idKey, known: new Map() };
  }

  /** A job that runs, as the control plane sees it. */
  job(fleet: Fleet, overrides: Partial<RunningJob> = {}): RunningJob {
    const { agentId, serverId, databaseId } = fleet;
    const sequence = this.vaults.service.nextSequence(databaseId);
    const job: RunningJob = {
      id: randomUUID(),
      kind: 'backup',
      attempt: 1,
      agentId,
      serverId,
      databaseId,
      databaseName: 'Shop',
      snapshotId: randomUUID(),
      vaultId: this.vaultId,
      sequence,
      cancelRequested: false,
      ...overrides,
    };
    this.running.set(job.id, job);
    const { id, kind, attempt, snapshotId, vaultId } = job;
    const row = { id, kind, attempt, agentId, serverId, databaseId, snapshotId, vaultId };
    const times = {
      notBefore: 0,
      createdAt: 1,
      maxAttempts: 3,
      requestedBy: 'test',
      state: 'running',
    } as const;
    this.db
      .insert(jobs)
      .values({ ...row, ...times })
      .run();
    return job;
  }

  /** The job ends, whichever way. */
  end({ id }: RunningJob): void {
    this.running.delete(id);
    this.db.update(jobs).set({ state: 'failed' }).where(eq(jobs.id, id)).run();
  }

  /** The vault as an agent's pipeline sees it, without HTTP in between. */
  client(fleet: Fleet): VaultClient {
    const at = { agentId: fleet.agentId, vaultId: this.vaultId };
    const { agents } = this.vaults;
    return {
      missing: async (serverId, ids) => agents.missing(at, serverId, ids),
      putKey: (keyId, file) => agents.putKey(at, keyId, file),
      putPack: (sha256, parts) => agents.putPack(at, { sha256, body: each(parts) }),
      getPack: async (sha256, { offset, length }) => {
        const { body } = await agents.getPack(at, sha256, { start: offset, end: offset + length });
        return Buffer.concat(await Array.fromAsync(body));
      },
      commit: async (attempt, manifest) => {
        await agents.commit(fleet.agentId, attempt, manifest);
      },
      source: (attempt) => agents.source(fleet.agentId, attempt),
      heritage: (attempt) => agents.heritage(fleet.agentId, attempt),
    };
  }

  async putKey(fleet: Fleet, key: VaultKey, kind: 'id' | 'data', client = this.client(fleet)): Promise<void> {
    const { recipients } = openStatement('vault', this.vaults.service.statementOf(this.vaultId), 'own');
    const file = await wrapKey(key, { kind, serverId: fleet.serverId }, recipients);
    await client.putKey(key.id, file, new AbortController().signal);
  }

  /** Uploads a dump as an agent does, up to but without the commit. */
  async upload(fleet: Fleet, dump: Buffer, client = this.client(fleet)): Promise<Upload> {
    const dataKey = generateVaultKey();
    await this.putKey(fleet, fleet.idKey, 'id', client);
    await this.putKey(fleet, dataKey, 'data', client);
    const backup = startBackup({
      serverId: fleet.serverId,
      idKey: fleet.idKey,
      dataKey,
      knownDataKeys: new Map(fleet.known),
      vault: client,
      signal: new AbortController().signal,
      onProgress: () => {},
    });
    fleet.known.set(dataKey.id, keyHash('data', dataKey.secret));
    // A copy with memory of its own: the pipeline frees what it was given.
    await backup.sink({ name: 'dump', format: 'test' }, each([Buffer.from(new Uint8Array(dump))]));
    return { content: await backup.finish(), dataKey };
  }

  /** The signed manifest of an upload; `change` is applied before it is signed. */
  manifest(fleet: Fleet, job: RunningJob, upload: Upload & { change?: Partial<Manifest> }): Promise<Buffer> {
    const { options = {} } = upload.change ?? {};
    const now = new Date().toISOString();
    const facts = {
      snapshotId: job.snapshotId,
      vaultId: job.vaultId,
      agentId: fleet.agentId,
      server: { id: fleet.serverId, name: 'main', engine: 'postgresql' },
      database: { id: fleet.databaseId, name: 'Shop' },
      sequence: job.sequence ?? 1,
      job: { id: job.id, attempt: job.attempt },
      startedAt: now,
      finishedAt: now,
      agentVersion: '0',
      ...upload.change,
    };
    return buildManifest({
      facts,
      dump: { catalog: CATALOG, serverVersion: '15.9', tool: 'pg_dump 15.9', options },
      content: upload.content,
      idKey: fleet.idKey,
      dataKey: upload.dataKey,
      agentKey: fleet.key,
    });
  }

  /** A whole backup, committed. */
  async backUp(
    fleet: Fleet,
    dump: Buffer,
    { client = this.client(fleet), change = {} }: { client?: VaultClient; change?: Partial<Manifest> } = {},
  ): Promise<RunningJob> {
    const job = this.job(fleet);
    const upload = await this.upload(fleet, dump, client);
    const manifest = await this.manifest(fleet, job, { ...upload, change });
    await client.commit({ jobId: job.id, attempt: job.attempt }, manifest, new AbortController().signal);
    return job;
  }

  /** Files of the store below a folder, relative to it. */
  async files(folder: string): Promise<string[]> {
    const entries = await readdir(join(this.storePath, folder), { recursive: true, withFileTypes: true });
    return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  }
}

export interface Upload {
  content: BackupContent;
  dataKey: VaultKey;
}

export async function* each<T>(items: Iterable<T>): AsyncGenerator<T, void> {
  yield* items;
}

export async function world(): Promise<World> {
  const w = new World(await mkdtemp(join(tmpdir(), 'homeport-vault-')));
  await w.start();
  return w;
}
