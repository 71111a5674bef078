import { createHash } from 'node:crypto';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { FailureError } from '../../../protocol/failure.ts';
import {
  encodeTrailer,
  PACK_MAGIC,
  PACK_MAX_BYTES,
  PACK_MAX_CHUNKS,
  PACK_TARGET_BYTES,
  type PackEntry,
} from '../../../protocol/vault/pack.ts';
import type { PackState } from '../../db/condemned-packs.ts';
import type { VaultContext } from '../context.ts';
import type { OpenVault } from '../create.ts';
import { packName } from '../layout.ts';
import { copyFile, isLoss, isStored } from '../replicas/copy.ts';
import type { Live } from './mark.ts';

/** A pack is rewritten where less than this part of it is needed. */
const WORTH = 0.5;

interface RewriteTask {
  context: VaultContext;
  vault: OpenVault;
  signal: AbortSignal;
  serverId: string;
  live: Live;
}

/**
 * Copies what is needed of packs that are mostly not into new ones, as it is sealed. Nothing is taken away: the old packs are
 * needed no more from then on, and the next collection condemns them.
 * @returns packs that were rewritten
 */
export async function rewritePacks({ context, live, serverId, signal, vault }: RewriteTask): Promise<number> {
  // What is locked cannot be removed for long: to write it once more would take room, not free it.
  if (vault.store.lock) return 0;
  const builder = new PackBuilder({ context, vault, serverId });
  let rewritten = 0;
  for (const pack of context.condemned.ofServer(vault.id, serverId)) {
    signal.throwIfAborted();
    const offsets = live.get(pack.id);
    if (!offsets || pack.waitsFor !== null) continue;
    await nextTurn();
    const entries = context.condemned.entries(pack.id).filter(({ offset }) => offsets.has(offset));
    const needed = entries.reduce((sum, { length }) => sum + length, 0);
    if (needed === 0 || needed >= WORTH * pack.length) continue;
    const bytes = await wholePack(vault, pack);
    if (!bytes) continue;
    for (const entry of entries) await builder.add(entry, bytes);
    rewritten += 1;
  }
  await builder.close();
  return rewritten;
}

/** Its bytes, where they are what its name says: damage is not copied. */
async function wholePack({ store }: OpenVault, { sha256 }: PackState): Promise<Buffer | undefined> {
  try {
    const bytes = await store.read(packName(sha256));
    return createHash('sha256').update(bytes).digest('hex') === sha256 ? bytes : undefined;
  } catch (error) {
    if (isLoss(error)) return undefined;
    throw error;
  }
}

/** Puts sealed chunks into packs, and those into the vault. */
class PackBuilder {
  readonly #to: { context: VaultContext; vault: OpenVault; serverId: string };
  #parts: Buffer[] = [PACK_MAGIC];
  #length = PACK_MAGIC.length;
  #entries: PackEntry[] = [];

  constructor(to: { context: VaultContext; vault: OpenVault; serverId: string }) {
    this.#to = to;
  }

  /** @param from bytes of the pack that the entry is of */
  async add(entry: PackEntry, from: Buffer): Promise<void> {
    const { length, offset } = entry;
    this.#parts.push(from.subarray(offset, offset + length));
    this.#entries.push({ ...entry, offset: this.#length });
    this.#length += length;
    if (this.#length >= PACK_TARGET_BYTES || this.#entries.length === PACK_MAX_CHUNKS) await this.close();
  }

  /** Writes what there is; indexed once it is in every store of the vault, so that no copy is ever less than before. */
  async close(): Promise<void> {
    if (this.#entries.length === 0) return;
    const { context, serverId, vault } = this.#to;
    const entries = this.#entries;
    const bytes = Buffer.concat([...this.#parts, encodeTrailer(serverId, entries)]);
    [this.#parts, this.#length, this.#entries] = [[PACK_MAGIC], PACK_MAGIC.length, []];
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    const name = packName(sha256);
    await context.settle(vault, name);
    await vault.store.put(name, [bytes], { maxBytes: PACK_MAX_BYTES, sha256 });
    const { primary, replica } = vault.store;
    // The old packs go because of it: what the store has counts, not what was sent.
    if (!(await isStored(primary, name, sha256))) return;
    if (replica) {
      const length = await copyFile(name, { from: primary, to: replica });
      context.copies.add({ vaultId: vault.id, name, length });
    }
    const facts = { vaultId: vault.id, serverId, sha256, length: bytes.length, createdAt: context.now() };
    context.chunks.addPack(facts, entries);
  }
}

/** Whether a failure only says that a store is away: then packs stay as they are until the next time. */
export function mayWait(error: unknown): boolean {
  return error instanceof FailureError && ['store_unavailable', 'disk_full'].includes(error.failure.code);
}
