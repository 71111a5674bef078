import { deepStrictEqual, notDeepStrictEqual } from 'node:assert/strict';
import type { Agent } from '../support/agent.ts';
import type { ApiDatabase, ApiServer, ApiSnapshot } from '../support/api-shapes.ts';
import { checksums } from '../support/checksums.ts';
import type { Homeport } from '../support/harness.ts';
import type { TestPostgres } from '../support/postgres.ts';
import { addServer, backUp, protect, restore } from '../support/protect.ts';
import { changeShop } from '../support/shop.ts';
import { megabytes, say, step } from './steps.ts';

/** What the demo has shown, for its summary line. */
export interface Story {
  snapshots: number;
  bytesRaw: number;
  bytesStored: number;
  restoresVerified: number;
}

interface Stage {
  homeport: Homeport;
  postgres: TestPostgres;
}

/** Back up, change, back up, restore beside and in place; every restore is compared by SQL on both sides. */
export async function tellStory({ homeport, postgres }: Stage): Promise<Story> {
  const { api } = homeport;
  const agent: Agent = await step('An agent enrolled with a one-time token and dialled out', () =>
    homeport.agent('demo-host'),
  );
  const { server, database } = await step(
    'The server’s password is sealed to the agent; “shop” is protected',
    () => register({ homeport, postgres }, agent),
  );
  const before = await checksums(postgres, 'shop');
  const first = await step('First backup', () => backUp(api, database.id));
  await step('The shop changes: rows updated, deleted, added, a new column', () =>
    changeShop(postgres, 'shop'),
  );
  const after = await checksums(postgres, 'shop');
  notDeepStrictEqual(after, before, 'the change must be visible in the checksums');
  const second = await step('Second backup', () => backUp(api, database.id));
  const pairs: [ApiSnapshot, string, Record<string, string>][] = [
    [second.snapshot, 'shop_second', after],
    [first.snapshot, 'shop_first', before],
  ];
  for (const [snapshot, name, expected] of pairs) {
    await step(
      `Snapshot ${snapshot.sequence} restored as a new database “${name}”, compared by SQL`,
      async () => {
        await restore(api, snapshot.id, { serverId: server.id, plan: { targetDatabase: name } });
        deepStrictEqual(await checksums(postgres, name), expected);
      },
    );
  }
  await step('Snapshot 1 swapped in for the live “shop”; the old one is kept; both compared by SQL', () =>
    swapBack({ homeport, postgres }, { server, snapshot: first.snapshot, before, after }),
  );
  const snapshots = [first.snapshot, second.snapshot];
  const sum = (key: 'rawBytes' | 'storedBytes') => snapshots.reduce((total, one) => total + one[key], 0);
  say(
    `\n  Two snapshots of ${megabytes(first.snapshot.rawBytes)} each take ${megabytes(sum('storedBytes'))} ` +
      `in the vault; the second added ${megabytes(second.snapshot.storedBytes)}.`,
  );
  return { snapshots: 2, bytesRaw: sum('rawBytes'), bytesStored: sum('storedBytes'), restoresVerified: 3 };
}

async function register(
  { homeport, postgres }: Stage,
  agent: Agent,
): Promise<{ server: ApiServer; database: ApiDatabase }> {
  const server = await addServer(homeport.api, agent, { name: 'demo PostgreSQL', server: postgres });
  return { server, database: await protect(homeport.api, server.id, 'shop') };
}

async function swapBack(
  { homeport, postgres }: Stage,
  input: {
    server: ApiServer;
    snapshot: ApiSnapshot;
    before: Record<string, string>;
    after: Record<string, string>;
  },
): Promise<void> {
  const job = await restore(homeport.api, input.snapshot.id, {
    serverId: input.server.id,
    plan: { targetDatabase: 'shop', mode: 'swap', endSessions: true },
  });
  const keptAs = job.result?.kind === 'restore' ? job.result.report.keptAs : undefined;
  if (!keptAs) throw new Error('The swap does not say what it kept the old database as.');
  deepStrictEqual(await checksums(postgres, 'shop'), input.before);
  deepStrictEqual(await checksums(postgres, keptAs), input.after);
}
