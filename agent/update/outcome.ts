import { chmod } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { versionSchema } from '../../protocol/release.ts';
import { type UpdateOutcome, updateOutcomeSchema } from '../../protocol/update.ts';
import { readState, removeDurable, writeDurable } from '../state/durable.ts';

const trialSchema = z.object({ v: z.literal(1), from: versionSchema, to: versionSchema });
/** A new build that is in place and has not proved itself yet. */
export type Trial = z.infer<typeof trialSchema>;

/** What whoever puts builds in place keeps: root's to write, the agent's to read. */
export interface UpdateRecord {
  trial(): Promise<Trial | undefined>;
  beginTrial(trial: Trial): Promise<void>;
  endTrial(): Promise<void>;
  outcome(): Promise<UpdateOutcome | undefined>;
  note(outcome: UpdateOutcome): Promise<void>;
}

export function updateRecord(directory: string): UpdateRecord {
  const trial = join(directory, 'trial.json');
  const outcome = join(directory, 'outcome.json');
  const write = async (path: string, value: unknown) => {
    await writeDurable(path, `${JSON.stringify(value)}\n`);
    await chmod(path, 0o644);
  };
  return {
    trial: () => readState(trial, trialSchema),
    beginTrial: (value) => write(trial, value),
    endTrial: () => removeDurable(trial),
    outcome: () => readState(outcome, updateOutcomeSchema),
    note: (value) => write(outcome, value),
  };
}
