import { expectTypeOf, test } from 'vitest';
import type { z } from 'zod';
import type * as data from '../../control-plane/openapi/shapes-data.ts';
import type * as fleet from '../../control-plane/openapi/shapes-fleet.ts';
import type * as people from '../../control-plane/openapi/shapes-people.ts';
import type * as vaults from '../../control-plane/openapi/shapes-vaults.ts';
import type { AgentView } from '../../control-plane/views/agents.ts';
import type { DatabaseView } from '../../control-plane/views/databases.ts';
import type { recentBackups } from '../../control-plane/views/history.ts';
import type { JobView, jobInFull } from '../../control-plane/views/jobs.ts';
import type { overview } from '../../control-plane/views/overview.ts';
import type { ServerView } from '../../control-plane/views/servers.ts';
import type { SnapshotView } from '../../control-plane/views/snapshots.ts';
import type { rolloutView, updatesView, updateView } from '../../control-plane/views/updates.ts';
import type { invitationView, userView } from '../../control-plane/views/users.ts';
import type { vaultView } from '../../control-plane/views/vaults.ts';
import type { EngineDescriptor } from '../../protocol/engines/engine.ts';

type Out<T extends z.ZodType> = z.output<T>;

/** The compiler does it: what a view may give is what the document says, also where no test has such a thing. */
test('every view is of the shape that the document gives for it', () => {
  expectTypeOf<AgentView>().toExtend<Out<typeof fleet.agent>>();
  expectTypeOf<ServerView>().toExtend<Out<typeof fleet.server>>();
  expectTypeOf<EngineDescriptor>().toExtend<Out<typeof fleet.engine>>();
  expectTypeOf<ReturnType<typeof updateView>>().toExtend<Out<typeof fleet.update>>();
  expectTypeOf<ReturnType<typeof rolloutView>>().toExtend<Out<typeof fleet.rollout>>();
  expectTypeOf<Awaited<ReturnType<typeof updatesView>>>().toExtend<Out<typeof fleet.updates>>();
  expectTypeOf<DatabaseView>().toExtend<Out<typeof data.database>>();
  expectTypeOf<SnapshotView>().toExtend<Out<typeof data.snapshot>>();
  expectTypeOf<JobView>().toExtend<Out<typeof data.job>>();
  expectTypeOf<NonNullable<ReturnType<typeof jobInFull>>>().toExtend<Out<typeof data.jobInFull>>();
  expectTypeOf<ReturnType<typeof overview>>().toExtend<Out<typeof data.overview>>();
  expectTypeOf<ReturnType<typeof recentBackups>[number]>().toExtend<Out<typeof data.backupHour>>();
  expectTypeOf<ReturnType<typeof userView>>().toExtend<Out<typeof people.user>>();
  expectTypeOf<ReturnType<typeof invitationView>>().toExtend<Out<typeof people.invitation>>();
  expectTypeOf<ReturnType<typeof vaultView>>().toExtend<Out<typeof vaults.vault>>();
});
