import { deepStrictEqual, notDeepStrictEqual } from 'node:assert/strict';
import type { Agent } from '../support/agent.ts';
import type { ApiDatabase, ApiJob, ApiServer, ApiSnapshot } from '../support/api-shapes.ts';
import { checksums } from '../support/checksums.ts';
import type { Homeport } from '../support/harness.ts';
import { addServer, backUp, protect, restore, startRestore, succeeded } from '../support/protect.ts';
import type { TestServer } from '../support/server-process.ts';
import { megabytes, say, step } from './steps.ts';

/** What the demo has shown, for its summary line. */
export interface Story {
  /** Each one's chapter was told. */
  engines: string[];
  snapshots: number;
  bytesRaw: number;
  bytesStored: number;
  restoresVerified: number;
}

/** One server's part of the demo. */
export interface Chapter {
  /** The product's name. */
  product: string;
  server: TestServer;
  /** A day at the shop. */
  change: () => Promise<void>;
}

/** A chapter half-way: the shop is backed up, changed and backed up again. */
interface Scene extends Chapter {
  homeport: Homeport;
  registered: ApiServer;
  first: ApiSnapshot;
  second: ApiSnapshot;
  before: Record<string, string>;
  after: Record<string, string>;
}

/** An agent, then each server's chapter, one after the other; every restore is compared by SQL on both sides. */
export async function tellStory(homeport: Homeport, chapters: readonly Chapter[]): Promise<Story> {
  const agent = await step('An agent enrolled with a one-time token and dialled out', () =>
    homeport.agent('demo-host'),
  );
  const story: Story = { engines: [], snapshots: 0, bytesRaw: 0, bytesStored: 0, restoresVerified: 0 };
  for (const chapter of chapters) {
    say(`\n${chapter.product}`);
    const scene = await backUpTwice(homeport, agent, chapter);
    const told = await (chapter.server.engine === 'postgresql' ? beside(scene) : inPlace(scene));
    const snapshots = [scene.first, scene.second, ...told.snapshots];
    story.engines.push(chapter.server.engine);
    story.snapshots += snapshots.length;
    for (const snapshot of snapshots) {
      story.bytesRaw += snapshot.rawBytes;
      story.bytesStored += snapshot.storedBytes;
    }
    story.restoresVerified += told.verified;
  }
  return story;
}

async function backUpTwice(homeport: Homeport, agent: Agent, chapter: Chapter): Promise<Scene> {
  const { api } = homeport;
  const { server, product } = chapter;
  const { registered, database } = await step(
    `The server’s password is sealed to the agent; “shop” is protected`,
    async (): Promise<{ registered: ApiServer; database: ApiDatabase }> => {
      const made = await addServer(api, agent, { name: `demo ${product}`, server });
      return { registered: made, database: await protect(api, made.id, 'shop') };
    },
  );
  const before = await checksums(server, 'shop');
  const first = await step('First backup', () => backUp(api, database.id));
  await step('The shop changes: rows updated, deleted, added, a new column', chapter.change);
  const after = await checksums(server, 'shop');
  notDeepStrictEqual(after, before, 'the change must be visible in the checksums');
  const second = await step('Second backup', () => backUp(api, database.id));
  say(
    `  Two snapshots of ${megabytes(first.snapshot.rawBytes)} each take ` +
      `${megabytes(first.snapshot.storedBytes + second.snapshot.storedBytes)} in the vault; ` +
      `the second added ${megabytes(second.snapshot.storedBytes)}.`,
  );
  return {
    ...chapter,
    ...{ homeport, registered, before, after },
    ...{ first: first.snapshot, second: second.snapshot },
  };
}

async function asNew(scene: Scene, snapshot: ApiSnapshot, into: { name: string; expected: object }) {
  await step(`Snapshot ${snapshot.sequence} restored as “${into.name}”, compared by SQL`, async () => {
    const plan = { targetDatabase: into.name };
    await restore(scene.homeport.api, snapshot.id, { serverId: scene.registered.id, plan });
    deepStrictEqual(await checksums(scene.server, into.name), into.expected);
  });
}

/** Where names can be exchanged: restored beside, then swapped. */
async function beside(scene: Scene): Promise<{ verified: number; snapshots: ApiSnapshot[] }> {
  const { after, before, first, homeport, registered, second, server } = scene;
  await asNew(scene, second, { name: 'shop_second', expected: after });
  await asNew(scene, first, { name: 'shop_first', expected: before });
  await step(
    'Snapshot 1 swapped in for the live “shop”; the old one is kept; both compared by SQL',
    async () => {
      const plan = { targetDatabase: 'shop', mode: 'swap', endSessions: true } as const;
      const job = await restore(homeport.api, first.id, { serverId: registered.id, plan });
      const keptAs = job.result?.kind === 'restore' ? job.result.report.keptAs : undefined;
      if (!keptAs) throw new Error('The swap does not say what it kept the old database as.');
      deepStrictEqual(await checksums(server, 'shop'), before);
      deepStrictEqual(await checksums(server, keptAs), after);
    },
  );
  return { verified: 3, snapshots: [] };
}

/** Where they cannot: the live database is filled anew, after a snapshot for safety that is restored as well. */
async function inPlace(scene: Scene): Promise<{ verified: number; snapshots: ApiSnapshot[] }> {
  const { after, before, first, homeport, registered, server } = scene;
  const { api } = homeport;
  await asNew(scene, first, { name: 'shop_first', expected: before });
  const safety = await step(
    'Snapshot 1 restored in place of the live “shop”, after a safety snapshot; compared by SQL',
    async () => {
      const plan = { targetDatabase: 'shop', mode: 'in-place' } as const;
      const order = { serverId: registered.id, plan, safetySnapshot: true };
      const job: ApiJob = await succeeded(api, await startRestore(api, first.id, order));
      if (!job.safetySnapshotId) throw new Error('The restore does not say which snapshot is for safety.');
      deepStrictEqual(await checksums(server, 'shop'), before);
      return api.get<ApiSnapshot>(`/snapshots/${job.safetySnapshotId}`);
    },
  );
  await asNew(scene, safety, { name: 'shop_safety', expected: after });
  return { verified: 3, snapshots: [safety] };
}
