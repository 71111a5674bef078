/** Who reads a snapshot just now, in this process: it is not deleted meanwhile, nor anything that it needs. */
export interface Leases {
  /** @returns ends the lease; safe to call twice */
  hold(snapshotId: string): () => void;
  isHeld(snapshotId: string): boolean;
  /** Ids of the leases on these snapshots. */
  on(isOne: (snapshotId: string) => boolean): string[];
  /** Whether a lease, by its id, has not ended. Ids of processes before this one have. */
  isOpen(id: string): boolean;
}

export function createLeases(): Leases {
  const open = new Map<string, string>();
  const process = crypto.randomUUID();
  let count = 0;
  return {
    hold(snapshotId) {
      count += 1;
      const id = `lease ${process} ${count}`;
      open.set(id, snapshotId);
      return () => void open.delete(id);
    },
    isHeld: (snapshotId) => [...open.values()].includes(snapshotId),
    on: (isOne) => [...open].flatMap(([id, snapshotId]) => (isOne(snapshotId) ? [id] : [])),
    isOpen: (id) => open.has(id),
  };
}
