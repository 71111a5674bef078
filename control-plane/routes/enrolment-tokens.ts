import { Hono } from 'hono';
import { z } from 'zod';
import { joinCommand } from '../agents/join-command.ts';
import { requireReplaceable } from '../agents/succession.ts';
import { requireFresh, requireRights } from '../auth/admit.ts';
import type { PrincipalEnv } from '../auth/principal.ts';
import { type AgentRow, findAgent } from '../db/agents.ts';
import { openTokens, withdrawToken } from '../db/enrolment-tokens.ts';
import type { AppDeps } from '../deps.ts';
import { auditAct, found, requireConfirmation } from '../http/acting.ts';
import { validate } from '../http/validate.ts';
import { iso } from '../views/times.ts';

const tokenBody = z.object({
  name: z.string().trim().min(1).max(255).optional(),
  expiresInMinutes: z.number().int().min(1).max(10_080).default(60),
  /** The agent whose place whoever uses the token takes. */
  successorOf: z.uuid().optional(),
  /** Its name typed out: it may be cut off while it is connected. */
  confirm: z.string().max(255).optional(),
});

export function enrolmentTokenRoutes(deps: AppDeps) {
  const { clock, db, enrolment, events, release, url } = deps;
  return new Hono<PrincipalEnv>()
    .get('/enrolment-tokens', (c) =>
      c.json(
        openTokens(db, clock.now()).map(({ createdAt, createdBy, expiresAt, id, name, successorOf }) => ({
          id,
          name,
          successorOf: successorOf === null ? null : named(findAgent(db, successorOf)),
          createdBy,
          createdAt: iso(createdAt),
          expiresAt: iso(expiresAt),
        })),
      ),
    )
    .post('/enrolment-tokens', validate('json', tokenBody), async (c) => {
      const { expiresInMinutes, ...wish } = c.req.valid('json');
      // It ends an agent, as revoking it does.
      if (wish.successorOf !== undefined) {
        requireRights(c, 'delete');
        requireFresh(c);
      }
      const predecessor = replaceable(deps, wish);
      const by = c.get('principal').user.name;
      const name = wish.name ?? predecessor?.name ?? null;
      const replaces = predecessor && { id: predecessor.id, cutsOff: wish.confirm !== undefined };
      const { row, token } = enrolment.createToken({
        ...{ name, lifetimeMs: expiresInMinutes * 60_000, by },
        ...(replaces ? { replaces } : {}),
      });
      auditAct(deps, c, {
        action: 'enrolment-token.create',
        target: { kind: 'enrolment-token', id: row.id, name: name ?? undefined },
        details: {
          expiresAt: iso(row.expiresAt),
          ...(predecessor ? { successorOf: predecessor.name, agentId: predecessor.id } : {}),
        },
      });
      events.changed('agents');
      const successorOf = predecessor ? named(predecessor) : null;
      const join = await joinCommand(release, { url, token, successorOf: predecessor?.name });
      return c.json({ id: row.id, token, url, ...join, expiresAt: iso(row.expiresAt), successorOf }, 201);
    })
    .delete('/enrolment-tokens/:id', (c) => {
      const { id, name } = found(withdrawToken(db, c.req.param('id')), 'enrolment token');
      const target = { kind: 'enrolment-token', id, name: name ?? undefined };
      auditAct(deps, c, { action: 'enrolment-token.withdraw', target });
      events.changed('agents');
      return c.json({ id });
    });
}

/**
 * The agent that is to be replaced, if one is. While it is connected its name has to be typed out.
 * @throws FailureError `not_found` | `conflict` | `invalid_input`
 */
function replaceable(
  { db, registry }: AppDeps,
  { confirm, successorOf }: Pick<z.infer<typeof tokenBody>, 'confirm' | 'successorOf'>,
): AgentRow | undefined {
  if (successorOf === undefined) return undefined;
  const agent = found(findAgent(db, successorOf), 'agent');
  requireReplaceable(db, agent);
  if (confirm !== undefined || registry.isOnline(agent.id)) requireConfirmation(confirm ?? '', agent.name);
  return agent;
}

function named(agent: AgentRow | undefined) {
  return agent ? { id: agent.id, name: agent.name } : null;
}
