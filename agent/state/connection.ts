import { join } from 'node:path';
import { z } from 'zod';
import { type Failure, failureSchema, toFailure } from '../../protocol/failure.ts';
import { HOMEPORT_VERSION } from '../../protocol/version.ts';
import type { Log } from '../log.ts';
import { readState, removeDurable, writeDurable } from './durable.ts';

const connectionStateSchema = z.object({
  v: z.literal(1),
  /** The process that wrote this. */
  pid: z.number().int(),
  /** Version of that process. */
  version: z.string(),
  state: z.enum(['connecting', 'connected']),
  since: z.iso.datetime(),
  /** Why it is not connected, once that is known. */
  failure: failureSchema.optional(),
});
/** How a running agent stands with its control plane, for those who ask on its host. */
export type ConnectionState = z.infer<typeof connectionStateSchema>;

const fileIn = (stateDir: string) => join(stateDir, 'connection.json');

/** What the last agent of this directory noted; it may be gone since. */
export function loadConnectionState(stateDir: string): Promise<ConnectionState | undefined> {
  return readState(fileIn(stateDir), connectionStateSchema);
}

/** Notes for `homeport-agent status`. None of its functions throws: that an agent works matters more. */
export interface ConnectionNotes {
  connecting(failure?: Failure): void;
  connected(): void;
  /** Removes the note; resolves when that is done. */
  remove(): Promise<void>;
}

export function createConnectionNotes(stateDir: string, log: Log): ConnectionNotes {
  let last: Promise<void> = Promise.resolve();
  const then = (act: () => Promise<void>) => {
    last = last
      .then(act)
      .catch((error) => log.warn({ failure: toFailure(error) }, 'the connection’s state could not be noted'));
    return last;
  };
  const note = (state: ConnectionState['state'], failure?: Failure) => {
    const facts = {
      v: 1,
      pid: process.pid,
      version: HOMEPORT_VERSION,
      state,
      since: new Date().toISOString(),
    };
    void then(() =>
      writeDurable(fileIn(stateDir), `${JSON.stringify({ ...facts, ...(failure ? { failure } : {}) })}\n`),
    );
  };
  return {
    connecting: (failure) => note('connecting', failure),
    connected: () => note('connected'),
    remove: () => then(() => removeDurable(fileIn(stateDir))),
  };
}
