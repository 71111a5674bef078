import { addServer, protect } from '../support/protect.ts';
import { backUp } from './back-up.ts';
import { peakMemory } from './measure.ts';
import type { World } from './speed.ts';

export interface MemoryFigure {
  rawBytes: number;
  /** Largest resident size of the agent's process, in bytes; the dump tool is another process. */
  agentPeak: number;
}

/** A fresh agent backs one database up twice: all of it new, then all of it known. */
export async function measureMemory({ postgres, homeport }: World, database: string): Promise<MemoryFigure> {
  const agent = await homeport.agent(database.replace('_', '-'));
  const server = await addServer(homeport.api, agent, { name: database, server: postgres });
  const { id } = await protect(homeport.api, server.id, database);
  const { rawBytes } = await backUp(homeport.api, id);
  await backUp(homeport.api, id);
  const agentPeak = peakMemory(agent.process().pid);
  await agent.stop();
  console.error(`${database}: agent peak ${Math.round(agentPeak / 1e6)} MB`);
  return { rawBytes, agentPeak };
}
