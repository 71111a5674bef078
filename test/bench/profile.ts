import { mkdtemp, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { addServer, protect } from '../support/protect.ts';
import { backUp } from './back-up.ts';
import type { World } from './speed.ts';

/** Seconds that the agent's main thread was busy with one kind of work during a first backup. */
export type Profile = [work: string, seconds: number][];

/** Which work a function's own time belongs to: the first that matches its name or the file it is in. */
const WORK: [work: string, where: RegExp][] = [
  ['hashing: chunk ids, stream and pack hashes', /crypto\/hash/],
  ['cutting and assembling chunks', /pipeline\/(chunker|backup|slabs|abortable)\.ts/],
  ['sealing and packing', /crypto\/cipher|pack-writer\.ts|protocol\/vault\//],
  ['handing chunks to zstd (it works on other threads)', /node:zlib|compress\.ts/],
  ['proving the archive whole', /engines\//],
  ['reading the dump, uploading', /writev|writeBuffer|readStart|stream_base|node:net|_http|streams\/|bulk/],
  ['garbage collection', /\(garbage collector\)/],
];

interface CpuProfile {
  nodes: { id: number; callFrame: { functionName: string; url: string } }[];
  samples: number[];
  timeDeltas: number[];
}

/** Where the time of a first backup goes, by a sampling profile of an agent that does nothing else. */
export async function profileBackup(
  { postgres, homeport, directory }: World,
  database: string,
): Promise<Profile> {
  const profiles = await mkdtemp(join(directory, 'profile-'));
  const env = { NODE_OPTIONS: `--cpu-prof --cpu-prof-dir=${profiles}` };
  const agent = await homeport.agent('profiled', { env });
  const server = await addServer(homeport.api, agent, { name: 'profiled', server: postgres });
  const { id } = await protect(homeport.api, server.id, database);
  await backUp(homeport.api, id);
  await agent.stop();
  const suffix = `.${agent.process().pid}.`;
  const file = (await readdir(profiles)).find((name) => name.includes(suffix));
  if (!file) throw new Error('the agent left no profile');
  return busySeconds(JSON.parse(await readFile(join(profiles, file), 'utf8')) as CpuProfile);
}

function busySeconds({ nodes, samples, timeDeltas }: CpuProfile): Profile {
  const workOf = new Map(
    nodes.map(({ id, callFrame: { functionName, url } }) => {
      const place = `${functionName} ${url}`;
      if (/^\((idle|root|program)\)/.test(functionName)) return [id, undefined];
      return [
        id,
        WORK.find(([, where]) => where.test(place))?.[0] ?? 'everything else, starting up included',
      ];
    }),
  );
  const totals = new Map<string, number>();
  samples.forEach((id, i) => {
    const work = workOf.get(id);
    if (work) totals.set(work, (totals.get(work) ?? 0) + (timeDeltas[i] ?? 0) / 1e6);
  });
  return [...totals].sort(([, a], [, b]) => b - a);
}
