import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { type Attempt, attemptSchema, JOB_KINDS, jobOutcomeSchema } from '../../protocol/job.ts';
import { readState, removeDurable, writeDurable } from './durable.ts';

const entrySchema = attemptSchema.extend({
  kind: z.enum(JOB_KINDS),
  acceptedAt: z.iso.datetime(),
  /** A restore in place: the database whose contents it replaces. */
  replaces: z.string().optional(),
  outcome: jobOutcomeSchema.optional(),
  /** A restore's database that has no name of its own yet: dropped if the attempt breaks off. */
  leftover: z
    .object({
      serverId: z.uuid(),
      database: z.string(),
      target: z.string(),
      /** Made with an account given for this restore alone, which is gone with the process. */
      oneTimeAccount: z.boolean().optional(),
    })
    .optional(),
});
export type JournalEntry = z.infer<typeof entrySchema>;
/** What a killed attempt may have left on a server, and the name it was to get. */
export type Leftover = NonNullable<JournalEntry['leftover']>;

/** What became of each accepted attempt, on disk until the control plane has acknowledged it. */
export interface Journal {
  entries(): Promise<JournalEntry[]>;
  /** Durable once resolved. */
  write(entry: JournalEntry): Promise<void>;
  forget(attempt: Attempt): Promise<void>;
}

export function createJournal(stateDir: string): Journal {
  const folder = join(stateDir, 'journal');
  const fileOf = ({ jobId, attempt }: Attempt) => join(folder, `${jobId}-${attempt}.json`);
  return {
    async entries() {
      const names = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
        if (error.code === 'ENOENT') return [];
        throw error;
      });
      const found = names.filter((name) => name.endsWith('.json'));
      const entries = await Promise.all(found.map((name) => readState(join(folder, name), entrySchema)));
      return entries.filter((entry) => entry !== undefined);
    },
    write: (entry) => writeDurable(fileOf(entry), `${JSON.stringify(entry)}\n`),
    forget: (attempt) => removeDurable(fileOf(attempt)),
  };
}
