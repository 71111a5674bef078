import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { chown, mkdir, readFile, rename, rm } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type RcloneOptions, rcloneOptionsSchema } from '../../control-plane/vault/stores/rclone-options.ts';
import { makePlace, type Place, startServerProcess } from './server-process.ts';

const run = promisify(execFile);

/** A throwaway OpenSSH server that serves SFTP to one user with one key; it is not root. */
export interface SftpServer extends AsyncDisposable {
  readonly port: number;
  readonly user: string;
  readonly privateKey: string;
  /** Lines as `ssh-keyscan` prints them. */
  readonly hostKeys: string;
  /** Directory that vaults are put below. */
  readonly files: string;
  /** How a store uses a folder of it. */
  options(folder: string, change?: Record<string, unknown>): RcloneOptions;
  /** The server and the sessions at work, as when its host goes away. */
  kill(): void;
  /** On the same port, with other host keys where told. */
  start(change?: { newHostKeys?: boolean }): Promise<void>;
  stop(): Promise<void>;
}

export async function startSftpServer(): Promise<SftpServer> {
  const place = await makePlace('homeport-sftp-', 'nobody');
  const user = place.account.uid === undefined ? userInfo().username : 'nobody';
  const files = join(place.directory, 'files');
  await mkdir(files);
  if (place.account.uid !== undefined) await chown(files, place.account.uid, place.account.gid ?? 0);
  await makeKey(place, 'user');
  await rename(join(place.directory, 'user.pub'), join(place.directory, 'authorized_keys'));
  await makeHostKeys(place);
  const launch = (fixed?: number) =>
    startServerProcess({
      place,
      command: (free) => ['/usr/sbin/sshd', '-D', '-e', ...settings(place, fixed ?? free)],
      ready: /Server listening on/,
    });
  let { child, port } = await launch();
  const read = (name: string) => readFile(join(place.directory, name), 'utf8');
  const privateKey = await read('user');
  let hostKeys = await pinned(place, port);
  const kill = () => killAll(child.pid as number);
  const stop = async () => {
    kill();
    await rm(place.directory, { recursive: true, force: true });
  };
  return {
    port,
    user,
    privateKey,
    files,
    get hostKeys() {
      return hostKeys;
    },
    options: (folder, change = {}) => {
      const remote = { type: 'sftp', host: '127.0.0.1', port, user, privateKey, hostKeys, ...change };
      return rcloneOptionsSchema.parse({ kind: 'rclone', remote, path: join(files, folder) });
    },
    kill,
    async start({ newHostKeys = false } = {}) {
      if (newHostKeys) await makeHostKeys(place);
      ({ child } = await launch(port));
      hostKeys = await pinned(place, port);
    },
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

async function makeKey(place: Place, name: string, type = 'ed25519', passphrase = ''): Promise<void> {
  const path = join(place.directory, name);
  await rm(path, { force: true });
  await run('ssh-keygen', ['-q', '-t', type, '-N', passphrase, '-C', '', '-f', path]);
  const { gid, uid } = place.account;
  if (uid !== undefined) await chown(path, uid, gid ?? uid);
}

/** Two, as every Debian has them: a client chooses which it is shown. */
async function makeHostKeys(place: Place): Promise<void> {
  await makeKey(place, 'host_ed25519');
  await makeKey(place, 'host_ecdsa', 'ecdsa');
}

async function pinned(place: Place, port: number): Promise<string> {
  const lines = ['host_ed25519', 'host_ecdsa'].map(async (name) => {
    const [algorithm, key] = (await readFile(join(place.directory, `${name}.pub`), 'utf8')).split(' ');
    return `[127.0.0.1]:${port} ${algorithm} ${key?.trim()}\n`;
  });
  return (await Promise.all(lines)).join('');
}

function settings({ directory }: Place, port: number): string[] {
  const lines = {
    Port: port,
    ListenAddress: '127.0.0.1',
    PidFile: 'none',
    StrictModes: 'no',
    // Without it the account of a service, which has no password, counts as locked.
    UsePAM: 'yes',
    PasswordAuthentication: 'no',
    KbdInteractiveAuthentication: 'no',
    AuthorizedKeysFile: join(directory, 'authorized_keys'),
    Subsystem: 'sftp internal-sftp',
    ForceCommand: 'internal-sftp',
  };
  const hostKeys = ['host_ed25519', 'host_ecdsa'].map((name) => ['HostKey', join(directory, name)]);
  const all = [...Object.entries(lines), ...hostKeys].flatMap(([name, value]) => ['-o', `${name}=${value}`]);
  return ['-f', '/dev/null', ...all];
}

/** A session is a child of a child. */
function killAll(pid: number): void {
  let children: string[] = [];
  try {
    children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean);
    process.kill(pid, 'SIGKILL');
  } catch {
    // ended before
  }
  for (const child of children) killAll(Number(child));
}
