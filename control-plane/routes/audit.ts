import { Readable } from 'node:stream';
import { Hono } from 'hono';
import { z } from 'zod';
import type { PrincipalEnv } from '../auth/principal.ts';
import { type AuditFilter, type AuditRow, listAudit } from '../db/audit.ts';
import type { Db } from '../db/open.ts';
import type { AppDeps } from '../deps.ts';
import { auditAct } from '../http/acting.ts';
import { validate } from '../http/validate.ts';
import { iso } from '../views/times.ts';

const instant = z.iso
  .datetime()
  .transform((text) => Date.parse(text))
  .optional();
const filterQuery = z.object({
  kind: z
    .string()
    .regex(/^[a-z-]{1,40}$/, 'is no kind of act')
    .optional(),
  q: z.string().trim().min(1).max(200).optional(),
  since: instant,
  until: instant,
});
const listQuery = filterQuery.extend({
  limit: z.coerce.number().int().min(1).max(500).default(100),
  before: z.coerce.number().int().positive().optional(),
});

/** Entries of one read while exporting. */
const PART = 500;

/** Who did what to which thing, from where: to read, and to take away. */
export function auditRoutes(deps: AppDeps) {
  const { clock, db } = deps;
  return new Hono<PrincipalEnv>()
    .get('/audit', validate('query', listQuery), (c) =>
      c.json(listAudit(db, c.req.valid('query')).map(auditView)),
    )
    .get('/audit/export', validate('query', filterQuery), (c) => {
      const filter = c.req.valid('query');
      auditAct(deps, c, { action: 'audit.export' });
      const day = iso(clock.now()).slice(0, 10);
      return c.body(Readable.toWeb(Readable.from(exported(db, filter))) as ReadableStream, 200, {
        'content-type': 'application/jsonl; charset=utf-8',
        'content-disposition': `attachment; filename="homeport-audit-${day}.jsonl"`,
      });
    });
}

/** One entry on each line, newest first. */
async function* exported(db: Db, filter: AuditFilter): AsyncGenerator<Uint8Array> {
  const encoder = new TextEncoder();
  let before: number | undefined;
  for (;;) {
    const rows = listAudit(db, { ...filter, limit: PART, before });
    before = rows.at(-1)?.id;
    if (before === undefined) return;
    yield encoder.encode(rows.map((row) => `${JSON.stringify(auditView(row))}\n`).join(''));
  }
}

function auditView(row: AuditRow) {
  return {
    id: row.id,
    at: iso(row.at),
    actor: { kind: row.actorKind, id: row.actorId, name: row.actorName },
    action: row.action,
    target: row.targetKind === null ? null : { kind: row.targetKind, id: row.targetId, name: row.targetName },
    from: row.source,
    details: row.details === null ? null : (JSON.parse(row.details) as Record<string, string | number>),
  };
}
