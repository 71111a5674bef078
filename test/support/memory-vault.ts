import { createHash, type KeyObject, randomUUID } from 'node:crypto';
import { mkdir, open } from 'node:fs/promises';
import { join } from 'node:path';
import { generateIdentity, identityToRecipient } from 'age-encryption';
import type { VaultClient } from '../../agent/pipeline/vault-client.ts';
import { fail } from '../../protocol/failure.ts';
import type { RestoreSourceDocument } from '../../protocol/job.ts';
import { ed25519Raw, generateEd25519 } from '../../protocol/keys.ts';
import { encryptTo, type VaultKey } from '../../protocol/vault/keys.ts';
import {
  decodeTrailer,
  PACK_FOOTER_BYTES,
  type PackEntry,
  trailerLength,
} from '../../protocol/vault/pack.ts';
import { signStatement } from '../../protocol/vault/statement.ts';

/** An agent as a test has it: identity, sealing key and the vault's certificate for both. */
export interface TestAgent {
  id: string;
  key: KeyObject;
  sealingIdentity: string;
  sealingKey: string;
  certificate: string;
}

export interface StoredChunk extends PackEntry {
  pack: string;
}

/**
 * The vault's side of {@link VaultClient}, with real packs: their names are checked and their trailers read
 * as the control plane does. Packs are kept in memory, or as files (fsynced) where a directory is given.
 */
export class MemoryVault implements VaultClient {
  readonly vaultId = randomUUID();
  readonly packs = new Map<string, Buffer>();
  readonly keys = new Map<string, Buffer>();
  readonly manifests: Buffer[] = [];
  /** By server id and chunk id (hex). */
  readonly index = new Map<string, StoredChunk>();
  readonly calls = { missing: 0, putPack: 0, getPack: 0 };
  storedBytes = 0;
  readonly #signing = generateEd25519().key;
  readonly #directory: string | undefined;

  constructor(directory?: string) {
    this.#directory = directory;
  }

  /** The vault's signing key as agents pin it. */
  get signingKey(): string {
    return ed25519Raw(this.#signing);
  }

  /** A new agent with a certificate of this vault. */
  async enrol(): Promise<TestAgent> {
    const { key } = generateEd25519();
    const sealingIdentity = await generateIdentity();
    const sealingKey = await identityToRecipient(sealingIdentity);
    const id = randomUUID();
    const statement = {
      format: 1 as const,
      vaultId: this.vaultId,
      agentId: id,
      name: 'test',
      identityKey: ed25519Raw(key),
      sealingKey,
      issuedAt: new Date().toISOString(),
    };
    return {
      id,
      key,
      sealingIdentity,
      sealingKey,
      certificate: signStatement('agent-certificate', statement, this.#signing),
    };
  }

  async missing(serverId: string, ids: Uint8Array): Promise<Buffer> {
    this.calls.missing += 1;
    const out = Buffer.alloc(ids.length / 2);
    for (let at = 0; at < ids.length; at += 32) {
      const found = this.index.get(`${serverId} ${Buffer.from(ids.subarray(at, at + 32)).toString('hex')}`);
      if (found) out.write(found.keyId, at / 2, 'hex');
    }
    return out;
  }

  /** Nobody was before its agents. */
  async heritage(): Promise<never> {
    throw fail('not_found', 'Nothing to inherit.', 'Begin anew.');
  }

  async putKey(keyId: string, file: Uint8Array): Promise<void> {
    this.keys.set(keyId, Buffer.from(file));
  }

  async putPack(sha256: string, parts: readonly Uint8Array[], signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    this.calls.putPack += 1;
    const hash = createHash('sha256');
    for (const part of parts) hash.update(part);
    const actual = hash.digest('hex');
    if (actual !== sha256) throw new Error(`pack ${sha256} has the hash ${actual}`);
    if (this.#directory) await this.#write(this.#directory, sha256, parts);
    else this.packs.set(sha256, Buffer.concat(parts));
    const length = parts.reduce((sum, part) => sum + part.length, 0);
    this.storedBytes += length;
    const trailer = await this.#trailer(sha256, length);
    const { serverId, entries } = decodeTrailer(trailer, length);
    for (const entry of entries) {
      const name = `${serverId} ${entry.chunkId.toString('hex')}`;
      if (!this.index.has(name)) this.index.set(name, { ...entry, pack: sha256 });
    }
  }

  async #trailer(sha256: string, length: number): Promise<Buffer> {
    const footer = await this.#read(sha256, length - PACK_FOOTER_BYTES, PACK_FOOTER_BYTES);
    const bytes = trailerLength(footer);
    return this.#read(sha256, length - bytes, bytes);
  }

  async getPack(sha256: string, { offset, length }: { offset: number; length: number }, signal: AbortSignal) {
    signal.throwIfAborted();
    this.calls.getPack += 1;
    return this.#read(sha256, offset, length);
  }

  async commit(_attempt: { jobId: string; attempt: number }, manifest: Uint8Array): Promise<void> {
    this.manifests.push(Buffer.from(manifest));
  }

  async source(): Promise<RestoreSourceDocument> {
    throw new Error('a test builds the source with sourceFor()');
  }

  /** What a restoring agent would be given: all chunks of the server, the keys wrapped to `agent`. */
  async sourceFor(
    serverId: string,
    manifest: Buffer,
    { agent, signer, keys }: { agent: TestAgent; signer: TestAgent; keys: readonly VaultKey[] },
  ): Promise<RestoreSourceDocument> {
    const bundle = Object.fromEntries(keys.map(({ id, secret }) => [id, secret.toString('base64url')]));
    const chunks = [...this.index]
      .filter(([name]) => name.startsWith(`${serverId} `))
      .map(([, chunk]) => chunk);
    const packs = [...new Set(chunks.map(({ pack }) => pack))];
    return {
      manifest: manifest.toString('base64'),
      certificate: signer.certificate,
      keys: Buffer.from(await encryptTo([agent.sealingKey], JSON.stringify(bundle))).toString('base64'),
      packs,
      chunks: chunks.map(({ chunkId, pack, offset, length }) => [
        chunkId.toString('hex'),
        packs.indexOf(pack),
        offset,
        length,
      ]),
    };
  }

  async #read(name: string, offset: number, length: number): Promise<Buffer> {
    if (!this.#directory) {
      const pack = this.packs.get(name);
      if (!pack) throw new Error(`no pack ${name}`);
      return pack.subarray(offset, offset + length);
    }
    const file = await open(join(this.#directory, name));
    try {
      const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, offset);
      return buffer.subarray(0, bytesRead);
    } finally {
      await file.close();
    }
  }

  async #write(directory: string, name: string, parts: readonly Uint8Array[]): Promise<void> {
    await mkdir(directory, { recursive: true });
    const file = await open(join(directory, name), 'w');
    try {
      await file.writev(parts);
      await file.sync();
    } finally {
      await file.close();
    }
  }
}
