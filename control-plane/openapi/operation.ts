import { z } from 'zod';

/** Parts of the API, in the order that docs/api.md has them. */
export const GROUPS = [
  'Set-up and oneself',
  'Agents',
  'Servers',
  'Databases',
  'Policies',
  'Snapshots',
  'Jobs',
  'Users',
  'Vaults, keys, audit',
] as const;
export type Group = (typeof GROUPS)[number];

/** What a success is answered with. */
export interface Success {
  status: 200 | 201 | 202;
  /** What is in it, in a few words. */
  says: string;
  /** JSON of this shape; or else a file of one of these types. */
  shape?: z.ZodType;
  files?: readonly string[];
  /** Whether it is a page of a list that may be longer, with the number of all rows in a header. */
  paged?: boolean;
}

/** What the code of a route does not say by itself. */
export interface Operation {
  group: Group;
  /** One line, as a menu would have it. */
  summary: string;
  success: Success;
  /** More than one line has room for: limits, refusals, what follows. */
  description?: string;
  /** What fields of the query or the body mean, where their names do not say it. */
  about?: Readonly<Record<string, string>>;
}

export type Operations = Readonly<Record<string, Operation>>;

type Told = Pick<Operation, 'description' | 'about'>;

/** Makes the operations of one group. */
export function inGroup(group: Group) {
  return (summary: string, success: Success, told: Told = {}): Operation => ({
    group,
    summary,
    success,
    ...told,
  });
}

export const ok = (shape: z.ZodType, says: string): Success => ({ status: 200, says, shape });
export const made = (shape: z.ZodType, says: string): Success => ({ status: 201, says, shape });
export const begun = (shape: z.ZodType, says: string): Success => ({ status: 202, says, shape });
export const file = (files: readonly string[], says: string): Success => ({ status: 200, says, files });
/** What {@link pageFields} mean. */
export const PAGE = { limit: 'Most rows of the answer.', offset: 'Rows of the list before its first.' };

export const page = (shape: z.ZodType, says: string): Success => ({ ...list(shape, says), paged: true });
export const list = (shape: z.ZodType, says: string): Success => ok(z.array(shape), says);

export const CONFIRM = 'Its name, typed out exactly.';
export const SEALED =
  'Credentials, encrypted to the agent’s sealing key with age, in base64; see docs/api.md.';
