import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { RcloneDaemon } from '../../control-plane/vault/stores/rclone-daemon.ts';

/** An rclone of this machine under the supervision that a control plane gives it. */
export interface TestRclone extends AsyncDisposable {
  readonly rclone: RcloneDaemon;
  /** Its own directory is `room` in it. */
  readonly directory: string;
}

export async function startTestRclone(program = 'rclone'): Promise<TestRclone> {
  const directory = await mkdtemp(join(tmpdir(), 'homeport-rclone-'));
  const path = process.env.PATH ?? '/usr/bin:/bin';
  const rclone = new RcloneDaemon({ program, path, room: join(directory, 'room') });
  return {
    rclone,
    directory,
    async [Symbol.asyncDispose]() {
      await rclone.stop();
      await rm(directory, { recursive: true, force: true });
    },
  };
}
