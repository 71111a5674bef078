import { Hono } from 'hono';
import { z } from 'zod';
import { fail } from '../../protocol/failure.ts';
import type { PrincipalEnv } from '../auth/principal.ts';
import { findDatabase } from '../db/databases.ts';
import { markedSnapshots, putMark, removeMark } from '../db/snapshot-marks.ts';
import type { AppDeps } from '../deps.ts';
import { auditAct, found, requireConfirmation } from '../http/acting.ts';
import { validate } from '../http/validate.ts';
import { oneSnapshot, type SnapshotView, targetOf } from '../views/snapshots.ts';

const NOTE_MAX = 500;
const changeBody = z.object({
  pinned: z.boolean().optional(),
  note: z.string().trim().max(NOTE_MAX).nullable().optional(),
});

/** How long a snapshot stays: pins, notes, and its deletion by hand. */
export function snapshotKeepingRoutes(deps: AppDeps) {
  const { clock, db, events, keeper, vault } = deps;
  return new Hono<PrincipalEnv>()
    .patch('/snapshots/:id', validate('json', changeBody), (c) => {
      const snapshot = found(oneSnapshot(deps, c.req.param('id')), 'snapshot');
      const { note, pinned } = c.req.valid('json');
      if (pinned !== undefined && pinned !== snapshot.pinned) {
        putMark(db, snapshot, { pinnedAt: pinned ? clock.now() : null });
        auditAct(deps, c, { action: pinned ? 'snapshot.pin' : 'snapshot.unpin', target: targetOf(snapshot) });
      }
      if (note !== undefined && (note || null) !== snapshot.note) {
        putMark(db, snapshot, { note: note || null });
        const details = { note: note || null };
        auditAct(deps, c, { action: 'snapshot.note', target: targetOf(snapshot), details });
      }
      keeper.judge(snapshot.databaseId);
      events.changed('snapshots', snapshot.id);
      return c.json(found(oneSnapshot(deps, snapshot.id), 'snapshot'));
    })
    .delete('/snapshots/:id', validate('json', z.object({ confirm: z.string() })), (c) => {
      const snapshot = found(oneSnapshot(deps, c.req.param('id')), 'snapshot');
      requireConfirmation(c.req.valid('json').confirm, snapshot.databaseName);
      requireExpendable(deps, snapshot);
      vault.deleteSnapshot(snapshot.id);
      removeMark(db, snapshot.id);
      auditAct(deps, c, { action: 'snapshot.delete', target: targetOf(snapshot) });
      keeper.judge(snapshot.databaseId);
      events.changed('snapshots', snapshot.id);
      events.changed('databases', snapshot.databaseId);
      return c.json({ id: snapshot.id });
    });
}

/** Of a database that is backed up the newest that is whole stays. @throws FailureError `conflict` */
function requireExpendable({ db }: AppDeps, { databaseId, id, pinned }: SnapshotView): void {
  if (pinned) throw fail('conflict', 'The snapshot is pinned.', 'Unpin it first.');
  const good = markedSnapshots(db, databaseId).filter(({ damagedAt }) => damagedAt === null);
  const newest = good.toSorted((a, b) => b.sequence - a.sequence)[0];
  if (newest?.id !== id || !findDatabase(db, databaseId)?.protectedAt) return;
  throw fail(
    'conflict',
    'It is the newest snapshot of a database that is backed up.',
    'Back the database up once more, or stop backing it up, and then delete it.',
  );
}
