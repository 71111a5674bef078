import type { EngineDefinition } from './engine.ts';
import { mariadb, mysql } from './mysql.ts';
import { postgresql } from './postgres.ts';

/** Every engine this build knows; an engine is added by one line here and one in the agent's registry. */
export const ENGINES = { postgresql, mariadb, mysql } satisfies Record<string, EngineDefinition>;

export type EngineId = keyof typeof ENGINES;
export const ENGINE_IDS = Object.keys(ENGINES) as [EngineId, ...EngineId[]];

/** The definition for an engine id, or `undefined` where this build does not know it. */
export function engineDefinition(id: string): EngineDefinition | undefined {
  return Object.hasOwn(ENGINES, id) ? ENGINES[id as EngineId] : undefined;
}
