import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { createDrillGround, type DrillPlace } from '../../../agent/drills/place.ts';
import { processesIn } from '../../../agent/drills/processes.ts';
import type { EngineDriver, OperationContext, Rehearsal } from '../../../agent/engines/driver.ts';
import { type Captured, opener, operation } from '../../contract/captured.ts';

/** A directory like an agent's state, where places are noted. */
export async function stateDirectory(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'homeport-drills-'));
  onTestFinished(() => rm(path, { recursive: true, force: true }));
  return path;
}

/** A place for a disposable server; gone with the test, or before. */
export async function openPlace(): Promise<DrillPlace> {
  const place = await createDrillGround(await stateDirectory(), '/var/tmp').open(0, operation().signal);
  onTestFinished(() => place[Symbol.asyncDispose]());
  return place;
}

/** Restores a dump on a disposable server. */
export async function rehearse(
  driver: EngineDriver,
  dump: Captured,
  place: DrillPlace,
  context: OperationContext = operation(place.signal),
): Promise<Rehearsal> {
  if (!driver.drills) throw new Error(`${driver.engine} has no drills`);
  const { catalog, serverVersion } = dump.result;
  const source = { serverVersion, catalog };
  return driver.drills.rehearse(place, { source, open: opener(dump) }, context);
}

/** What is left of a place. */
export async function remainsOf({ directory }: DrillPlace) {
  return { directory: existsSync(directory), processes: await processesIn(directory) };
}

export const NOTHING = { directory: false, processes: [] };
export const unique = () => randomUUID().slice(0, 8);
