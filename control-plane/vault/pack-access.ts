import type { DownloadWay } from '../../protocol/direct.ts';
import { fail } from '../../protocol/failure.ts';
import type { SnapshotRow } from '../db/snapshots.ts';
import { type VaultContext, vaultOf } from './context.ts';
import { downloadWay } from './direct.ts';
import { packName } from './layout.ts';
import type { BulkPlace, OpenRange, PackBody } from './service.ts';
import { packsOf } from './source.ts';

/** Restores whose packs are remembered; the others' are worked out anew when they ask. */
const REMEMBERED = 16;

/** Lets agents read packs: those that their live restores need, no others. */
export class PackAccess {
  readonly #context: VaultContext;
  /** Packs by snapshot, in the order of their last use. */
  readonly #packs = new Map<string, Promise<Set<string>>>();
  /** By snapshot: the last pack that there was then. */
  readonly #upTo = new Map<string, number>();

  constructor(context: VaultContext) {
    this.#context = context;
  }

  /** @throws FailureError `forbidden` | `not_found` | `invalid_input` for a range outside the pack */
  async get(at: BulkPlace, sha256: string, range: OpenRange | undefined): Promise<PackBody> {
    const vault = vaultOf(this.#context, at.vaultId);
    await this.#requireNeed(at, sha256);
    const name = packName(sha256);
    await vault.store.prove(name);
    const length = await vault.store.size(name);
    if (length === undefined)
      throw fail(
        'not_found',
        'The vault has lost this pack.',
        'Restore another snapshot and scrub the vault.',
      );
    const start = range?.start ?? 0;
    const end = Math.min(range?.end ?? length, length);
    if (start >= end)
      throw fail('invalid_input', `The pack has ${length} bytes; the range lies outside.`, 'Ask for less.');
    const body = vault.store.stream(name, { offset: start, length: end - start });
    return { body, start, bytes: end - start, length };
  }

  /** How to fetch a pack. @throws FailureError `forbidden` */
  async way(at: BulkPlace, sha256: string): Promise<DownloadWay> {
    const vault = vaultOf(this.#context, at.vaultId);
    await this.#requireNeed(at, sha256);
    return downloadWay(vault, sha256);
  }

  async #requireNeed(at: BulkPlace, sha256: string): Promise<void> {
    for (const { snapshotId } of this.#context.fleet.restoring(at.agentId, at.vaultId)) {
      if ((await this.#packsOf(snapshotId)).has(sha256)) return;
      if (!this.#isNewer(at.vaultId, sha256, snapshotId)) continue;
      // Packs may have been rewritten since.
      this.#packs.delete(snapshotId);
      if ((await this.#packsOf(snapshotId)).has(sha256)) return;
    }
    throw fail(
      'forbidden',
      'No running restore of this agent needs that pack.',
      'An agent can read what its restore names, nothing else.',
    );
  }

  /** Whether a pack came after those of a snapshot were worked out. */
  #isNewer(vaultId: string, sha256: string, snapshotId: string): boolean {
    const pack = this.#context.chunks.pack(vaultId, sha256);
    return pack !== undefined && pack.id > (this.#upTo.get(snapshotId) ?? 0);
  }

  #packsOf(snapshotId: string): Promise<Set<string>> {
    const row = this.#context.snapshots.snapshot(snapshotId);
    // It may be known later, as when a rebuild finds it.
    if (!row) return Promise.resolve(new Set());
    const packs = this.#packs.get(snapshotId) ?? this.#find(row);
    this.#packs.delete(snapshotId);
    this.#packs.set(snapshotId, packs);
    for (const oldest of this.#packs.keys()) {
      if (this.#packs.size <= REMEMBERED) break;
      this.#packs.delete(oldest);
      this.#upTo.delete(oldest);
    }
    return packs;
  }

  #find(row: SnapshotRow): Promise<Set<string>> {
    this.#upTo.set(row.id, this.#context.chunks.newestPack());
    const packs = packsOf(this.#context, { row, vault: vaultOf(this.#context, row.vaultId) });
    packs.catch(() => {
      if (this.#packs.get(row.id) === packs) this.#packs.delete(row.id);
    });
    return packs;
  }
}
