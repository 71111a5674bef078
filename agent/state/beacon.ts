import { chmod, rm } from 'node:fs/promises';
import { createConnection, createServer } from 'node:net';
import { join } from 'node:path';

const socketIn = (stateDir: string) => join(stateDir, 'run.sock');

/**
 * A socket in the state directory that takes connections as long as this process lives. Process ids say nothing where
 * another container with the same volume looks at them; this it sees.
 * @returns takes it away
 */
export async function raiseBeacon(stateDir: string): Promise<() => Promise<void>> {
  const path = socketIn(stateDir);
  // Nobody answered there.
  await rm(path, { force: true });
  const server = createServer((socket) => socket.destroy());
  // Not every file system has sockets, nor is every path short enough for one: then the lock's file is all there is.
  const raised = await new Promise<boolean>((resolve) => {
    server.once('error', () => resolve(false));
    server.listen(path, () => resolve(true));
  });
  if (!raised) return async () => undefined;
  // It is no reason to go on living.
  server.unref();
  await chmod(path, 0o600);
  return () => new Promise((resolve) => server.close(() => resolve()));
}

/** Whether an agent that lives answers at its {@link raiseBeacon}, in whichever container it does. */
export function seesBeacon(stateDir: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection({ path: socketIn(stateDir) });
    const answer = (lives: boolean) => {
      socket.destroy();
      resolve(lives);
    };
    socket.once('connect', () => answer(true));
    socket.once('error', () => answer(false));
  });
}
