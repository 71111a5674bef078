import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { makePlace, startServerProcess } from './server-process.ts';

const run = promisify(execFile);

/** A throwaway server of rclone’s own, WebDAV or SFTP, that wants a user and a password. */
export interface RcloneServer extends AsyncDisposable {
  readonly port: number;
  readonly user: string;
  readonly password: string;
  /** The password as rclone’s configuration has it. */
  readonly obscured: string;
  /** Public key of the SFTP server. */
  readonly hostKey: string;
  /** Directory that it serves. */
  readonly files: string;
}

export async function startRcloneServer(protocol: 'webdav' | 'sftp'): Promise<RcloneServer> {
  const place = await makePlace(`homeport-${protocol}-`, 'nobody');
  const at = (name: string) => join(place.directory, name);
  await mkdir(at('files'));
  const key = at('host_key');
  await run('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', key]);
  const [user, password] = ['backup', 'canary password'];
  const keys = protocol === 'sftp' ? ['--key', key] : [];
  const { child, port } = await startServerProcess({
    // Its password is nobody’s secret.
    place: { ...place, account: {} },
    command: (free) => [
      ...(['rclone', 'serve', protocol, at('files'), '--config', '', '--addr', `127.0.0.1:${free}`] as const),
      ...['--user', user, '--pass', password, '-v', ...keys],
    ],
    ready: /listening on|started on/i,
  });
  const { stdout: obscured } = await run('rclone', ['obscure', password]);
  const { stdout: hostKey } = await run('ssh-keygen', ['-y', '-f', key]);
  return {
    ...{ port, user, password, hostKey, files: at('files'), obscured: obscured.trim() },
    async [Symbol.asyncDispose]() {
      const gone = once(child, 'exit');
      child.kill('SIGKILL');
      await gone;
      await rm(place.directory, { recursive: true, force: true });
    },
  };
}
