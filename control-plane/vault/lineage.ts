import type { SnapshotRow } from '../db/snapshots.ts';

/** Who took whose place, as the certificates say: agents that follow each other sign for the same servers. */
export interface Lineage {
  /** The agent that has an agent's place now: itself where nobody succeeded it. */
  heirOf(agentId: string): string;
  /** Whether `later` has, directly or in turn, the place that was `earlier`'s. */
  follows(later: string, earlier: string): boolean;
}

/** @param successors id of the agent that took the place, by the id of the one whose place it was */
export function lineageOf(successors: ReadonlyMap<string, string>): Lineage {
  /** Itself, its successor, and so on; a circle, which no vault's key certifies, ends where it began. */
  function line(agentId: string): string[] {
    const seen = new Set([agentId]);
    for (
      let next = successors.get(agentId);
      next !== undefined && !seen.has(next);
      next = successors.get(next)
    )
      seen.add(next);
    return [...seen];
  }
  return {
    heirOf: (agentId) => line(agentId).at(-1) ?? agentId,
    follows: (later, earlier) => later !== earlier && line(earlier).includes(later),
  };
}

type Numbered = Pick<SnapshotRow, 'databaseId' | 'agentId' | 'sequence'>;

/**
 * Those of some snapshots that an agent signed although its successor had begun to number the database's snapshots by
 * then. Such an agent makes none any more: somebody has its key, and would pass off an old state as the newest.
 */
export function outOfTurn<T extends Numbered>(snapshots: readonly T[], { follows }: Lineage): T[] {
  const begun = new Map<string, Map<string, number>>();
  for (const { agentId, databaseId, sequence } of snapshots) {
    const firsts = begun.get(databaseId) ?? new Map<string, number>();
    begun.set(databaseId, firsts.set(agentId, Math.min(sequence, firsts.get(agentId) ?? sequence)));
  }
  return snapshots.filter(({ agentId, databaseId, sequence }) =>
    [...(begun.get(databaseId) ?? [])].some(([other, first]) => first <= sequence && follows(other, agentId)),
  );
}
