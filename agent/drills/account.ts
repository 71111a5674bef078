import { readFile } from 'node:fs/promises';
import { fail } from '../../protocol/failure.ts';

/** Ids of a system user. */
export interface Account {
  uid: number;
  gid: number;
}

/** Whom a disposable server runs as where the agent is root: its own user if there is one, else nobody. */
const USERS = ['homeport-drill', 'nobody'];

/**
 * The user that disposable servers run as; undefined where that is whoever the agent runs as. Never the user of the
 * databases beside us: their servers let it in without a password, and it can read their files.
 * @throws FailureError `drill_not_possible`
 */
export async function drillAccount(): Promise<Account | undefined> {
  if (process.getuid?.() !== 0) return undefined;
  const users = (await readFile('/etc/passwd', 'utf8')).split('\n').map((line) => line.split(':'));
  for (const name of USERS) {
    const [, , uid, gid] = users.find(([user]) => user === name) ?? [];
    if (Number(uid) > 0) return { uid: Number(uid), gid: Number(gid) };
  }
  throw fail(
    'drill_not_possible',
    'The agent runs as root and finds no other user to run a disposable server as.',
    'Make one: useradd --system --no-create-home homeport-drill.',
  );
}
