import { Hono } from 'hono';
import type { PrincipalEnv } from '../auth/principal.ts';
import type { AppDeps } from '../deps.ts';
import type { SelfBackupState } from '../self-backup/keeper.ts';
import { iso, isoOrNull } from '../views/times.ts';

export function selfBackupRoutes({ selfBackups }: AppDeps) {
  return new Hono<PrincipalEnv>()
    .get('/self-backup', (c) => c.json(view(selfBackups.state())))
    .post('/self-backup', async (c) => {
      await selfBackups.make({ actor: c.get('principal').actor, from: c.get('from') });
      return c.json(view(selfBackups.state()), 201);
    });
}

function view({ failure, last, late, nextAt, running }: SelfBackupState) {
  return {
    last: last && {
      at: iso(last.at),
      name: last.name,
      place: last.place,
      bytes: last.bytes,
      copied: last.copied,
    },
    failure: failure && { at: iso(failure.at), failure: failure.failure },
    nextAt: isoOrNull(nextAt),
    running,
    late,
  };
}
