import type { Clock } from './clock.ts';
import { appendAudit } from './db/audit.ts';
import type { Db } from './db/open.ts';

export interface Actor {
  kind: 'user' | 'api-key' | 'agent' | 'system';
  id: string | null;
  name: string | null;
}

/** Who did what to which thing from where. */
export interface AuditEntry {
  actor: Actor;
  /** `thing.act`, e.g. `job.cancel`. */
  action: string;
  target?: { kind: string; id?: string | undefined; name?: string | undefined };
  /** Address the request came from. */
  from?: string | undefined;
  /** No secrets. */
  details?: Record<string, unknown>;
}

export type Audit = (entry: AuditEntry) => void;

export const SYSTEM: Actor = { kind: 'system', id: null, name: null };

export function createAudit(db: Db, clock: Clock): Audit {
  return ({ actor, action, target, from, details }) => {
    appendAudit(db, {
      at: clock.now(),
      actorKind: actor.kind,
      actorId: actor.id,
      actorName: actor.name,
      action,
      targetKind: target?.kind ?? null,
      targetId: target?.id ?? null,
      targetName: target?.name ?? null,
      source: from ?? null,
      details: details ? JSON.stringify(details) : null,
    });
  };
}
