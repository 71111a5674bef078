/** What decides which policy a database has, from the nearest to the widest. */
export const SOURCES = ['database', 'server', 'agent', 'label', 'everywhere'] as const;
export type Source = (typeof SOURCES)[number];

/** A policy, as far as it says whom it is for. */
export interface Reaching {
  id: string;
  /** Whether it is for all databases that nothing nearer decides about. */
  everywhere: boolean;
  /** For databases of agents with one of these. */
  labels: readonly string[];
}

/** What was chosen for one database, one server or one agent by itself. */
export interface Choice {
  kind: 'database' | 'server' | 'agent';
  targetId: string;
  /** Null: by hand only, whatever is decided further away. */
  policyId: string | null;
}

/** A database and what it belongs to. */
export interface Placed {
  id: string;
  serverId: string;
  agentId: string;
  /** Of its agent, in alphabetical order. */
  labels: readonly string[];
}

export interface Effective {
  /** Null: by hand only. */
  policyId: string | null;
  source: Source;
  /** Where a label decided: which. */
  label?: string;
}

/**
 * Finds the policy of any database: the nearest that was chosen. Of several labels the first in alphabetical order that has
 * a policy decides. Pure.
 * @returns for a database: undefined where nobody decided anything
 */
export function createResolver(
  policies: readonly Reaching[],
  choices: readonly Choice[],
): (database: Placed) => Effective | undefined {
  const chosen = new Map(choices.map((choice) => [`${choice.kind} ${choice.targetId}`, choice.policyId]));
  const byLabel = new Map(policies.flatMap(({ id, labels }) => labels.map((label) => [label, id] as const)));
  const everywhere = policies.find((policy) => policy.everywhere);
  return ({ agentId, id, labels, serverId }) => {
    for (const [source, targetId] of Object.entries({ database: id, server: serverId, agent: agentId })) {
      const policyId = chosen.get(`${source} ${targetId}`);
      if (policyId !== undefined) return { policyId, source: source as Choice['kind'] };
    }
    const label = labels.find((one) => byLabel.has(one));
    if (label !== undefined) return { policyId: byLabel.get(label) ?? null, source: 'label', label };
    return everywhere && { policyId: everywhere.id, source: 'everywhere' };
  };
}
