import { access, constants, lstat, readdir, stat, statfs } from 'node:fs/promises';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { shellWord } from '../../protocol/shell.ts';
import { openSecretRoom } from '../process.ts';
import { lockHolder } from '../state/lock.ts';
import { type Finding, ok, trouble } from './check.ts';

/** Less than this is too little for journals, keys and the files that tools are given, in bytes. */
const SCARCE_BYTES = 16 * 1024 * 1024;

/** The directory with the agent's keys and passwords: whose it is, who else may look into it, whether it has room. */
export async function stateFinding(stateDir: string): Promise<Finding> {
  const directory = await stat(stateDir).catch((error: NodeJS.ErrnoException) => error);
  if (directory instanceof Error) return unusable(stateDir, directory);
  const me = process.getuid?.() ?? directory.uid;
  if (directory.uid !== me && me !== 0) return foreign(stateDir, directory.uid);
  const open = await openToOthers(stateDir);
  if (open.length > 0) return exposed(stateDir, open);
  const denied = await access(stateDir, constants.R_OK | constants.W_OK | constants.X_OK).catch(String);
  if (denied) {
    return trouble('failed', `This user may not write to ${stateDir}: ${denied}`, {
      fix: 'Make it writable for the user the agent runs as; look whether its file system is mounted read-only.',
    });
  }
  const free = await freeBytes(stateDir);
  if (free < SCARCE_BYTES) return scarce('failed', stateDir, free);
  if (directory.uid !== me) return lookedAtByRoot(stateDir, directory.uid);
  return ok(`${stateDir}: owned by ${nameOf(me)}, closed to others.`);
}

function unusable(stateDir: string, error: NodeJS.ErrnoException): Finding {
  if (error.code !== 'ENOENT') {
    return trouble('failed', `${stateDir} cannot be looked at: ${error.message}`, {
      fix: 'Run this as the user the agent runs as.',
    });
  }
  return trouble('failed', `${stateDir} does not exist.`, {
    fix: 'Enrolment makes it. If the agent is enrolled, it keeps its state elsewhere: run this as the user it runs as, or name its directory with --state.',
  });
}

function foreign(stateDir: string, uid: number): Finding {
  return trouble('failed', `${stateDir} belongs to another user (uid ${uid}).`, {
    fix: 'Run this as the user the agent runs as, or give the directory to this one with chown.',
  });
}

function lookedAtByRoot(stateDir: string, uid: number): Finding {
  const seen = `${stateDir} belongs to the user with uid ${uid}, and root may do more than that user.`;
  return trouble('warning', seen, {
    fix: 'Run this as that user, to see what the agent meets.',
    paste: `setpriv --reuid ${uid} --regid ${uid} --clear-groups homeport-agent doctor --state ${shellWord(stateDir)}`,
  });
}

/** Paths below the directory, itself included, that others may read or write. */
async function openToOthers(stateDir: string): Promise<string[]> {
  const inside = await readdir(stateDir, { recursive: true }).catch(() => []);
  const paths = [stateDir, ...inside.map((name) => join(stateDir, name))];
  const open = await Promise.all(
    paths.map(async (path) => {
      const facts = await lstat(path).catch(() => undefined); // a journal entry that was forgotten meanwhile
      return facts !== undefined && !facts.isSymbolicLink() && (facts.mode & 0o077) !== 0;
    }),
  );
  return paths.filter((_, at) => open[at]);
}

function exposed(stateDir: string, open: readonly string[]): Finding {
  const named = open.slice(0, 3).join(', ') + (open.length > 3 ? ` and ${open.length - 3} more` : '');
  // A file in there is a key, a password, or not the agent's; only the directory itself is open by habit.
  const verdict = open.length === 1 && open[0] === stateDir ? 'warning' : 'failed';
  return trouble(verdict, `Others on this host are let into what holds keys and passwords: ${named}.`, {
    fix: 'Close it to all but its owner.',
    paste: `chmod -R go= ${shellWord(stateDir)}`,
  });
}

/** Whether an agent works on this state directory now. */
export async function runningFinding(stateDir: string): Promise<Finding> {
  const holder = await lockHolder(stateDir);
  if (holder !== undefined) return ok(`Process ${holder} is at work.`);
  return trouble('warning', 'No agent runs with this state directory, as far as can be seen from here.', {
    fix: 'Start it. One that runs in a container is not seen from outside of it.',
    paste: 'homeport-agent run',
  });
}

/** Where client tools get their passwords, in files of 0600: whether such files can be made. */
export async function temporaryFinding(): Promise<Finding> {
  const directory = tmpdir();
  try {
    await using room = await openSecretRoom({ probe: 'homeport' });
    await access(room.path('probe'), constants.R_OK);
  } catch (error) {
    return trouble('failed', `No private files can be made in ${directory}: ${(error as Error).message}`, {
      fix: 'Let the agent’s user write there, free some space, or name another directory in TMPDIR.',
    });
  }
  const free = await freeBytes(directory);
  return free < SCARCE_BYTES
    ? scarce('warning', directory, free)
    : ok(`${directory}: ${megabytes(free)} free.`);
}

function scarce(verdict: 'warning' | 'failed', directory: string, free: number): Finding {
  return trouble(verdict, `Only ${megabytes(free)} are free at ${directory}.`, {
    fix: 'Free some space: jobs keep their journal, and passwords for tools their files, on this disk. Dumps do not touch it.',
  });
}

async function freeBytes(directory: string): Promise<number> {
  const { bavail, bsize } = await statfs(directory);
  return bavail * bsize;
}

function megabytes(bytes: number): string {
  return `${Math.floor(bytes / 1024 / 1024).toLocaleString('en')} MiB`;
}

function nameOf(uid: number): string {
  try {
    return userInfo().username;
  } catch {
    return `uid ${uid}`; // in containers there is often no entry for it
  }
}
