import type { PackState } from '../../db/condemned-packs.ts';

/** What is decided about the packs of one server in one moment; by their rows. */
export interface Plan {
  condemn: number[];
  /** Condemned, and needed all the same. */
  spare: number[];
}

/** What is known in that moment. */
export interface Moment {
  packs: readonly PackState[];
  /** Of each pack that some snapshot needs. */
  live: { has(packId: number): boolean };
  /** Milliseconds since the epoch: what was uploaded since may belong to a backup that goes on later. */
  uploadedBefore: number;
}

/** Pure. */
export function planPacks({ live, packs, uploadedBefore }: Moment): Plan {
  const plan: Plan = { condemn: [], spare: [] };
  for (const { createdAt, id, waitsFor } of packs) {
    if (live.has(id)) {
      if (waitsFor !== null) plan.spare.push(id);
    } else if (waitsFor === null && createdAt < uploadedBefore) plan.condemn.push(id);
  }
  return plan;
}

/** The condemned packs for which nothing that was under way then is any more. Pure. */
export function removable(packs: readonly PackState[], isOpen: (id: string) => boolean): PackState[] {
  return packs.filter(({ waitsFor }) => waitsFor !== null && !waitsFor.some(isOpen));
}

/**
 * Whether a copy of a chunk may count in a commit: a backup that began after its pack was condemned was told that it is
 * missing. For anything else every copy that is there counts. Pure.
 */
export function isUsable({ waitsFor }: Pick<PackState, 'waitsFor'>, forJob: string | undefined): boolean {
  return forJob === undefined || waitsFor === null || waitsFor.includes(forJob);
}
