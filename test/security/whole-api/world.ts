import { randomBytes } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type Answers, recordAnswers } from '../../support/answers.ts';
import { type Canaries, createCanaries } from '../../support/canaries.ts';
import { type Homeport, startHomeport } from '../../support/harness.ts';
import { startPostgres, type TestPostgres } from '../../support/postgres.ts';
import { type RcloneServer, startRcloneServer } from '../../support/rclone-serve.ts';
import { type SftpServer, startSftpServer } from '../../support/sftp.ts';

/** A whole Homeport that says as much as it ever does, with real servers around it, and all that was answered. */
export interface Place extends AsyncDisposable {
  home: Homeport;
  postgres: TestPostgres;
  sftp: SftpServer;
  webdav: RcloneServer;
  answers: Answers;
  canaries: Canaries;
  /** What the event stream has told so far. */
  heard(): string;
  /** Directory that a replica may be made in. */
  replicaPath: string;
}

export async function openPlace(): Promise<Place> {
  const resources = new AsyncDisposableStack();
  try {
    return await fill(resources);
  } catch (error) {
    await resources.disposeAsync();
    throw error;
  }
}

async function fill(resources: AsyncDisposableStack): Promise<Place> {
  const canaries = createCanaries();
  const masterKey = canaries.plant('master key', randomBytes(32).toString('base64'));
  const answers = resources.use(recordAnswers());
  const [postgres, sftp, webdav] = await Promise.all([
    startPostgres(),
    startSftpServer(),
    startRcloneServer('webdav'),
  ]);
  for (const server of [postgres, sftp, webdav]) resources.use(server);
  const home = resources.use(
    await startHomeport({
      unclaimed: true,
      controlPlane: {
        env: {
          HOMEPORT_MASTER_KEY: masterKey,
          HOMEPORT_LOG_LEVEL: 'trace',
          HOMEPORT_LOCAL_ENDPOINTS: 'allow',
        },
      },
    }),
  );
  canaries.plant('API key made on the host', home.api.key);
  const replicaPath = join(home.directory, 'replica');
  await mkdir(replicaPath, { mode: 0o700 });
  const heard = listen(home, resources);
  return {
    ...{ home, postgres, sftp, webdav, answers, canaries, heard, replicaPath },
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  };
}

/** Keeps what the event stream tells until the end. */
function listen({ api: { key, url } }: Homeport, resources: AsyncDisposableStack): () => string {
  const deaf = new AbortController();
  resources.defer(() => deaf.abort());
  let heard = '';
  const read = async () => {
    const headers = { authorization: `Bearer ${key}` };
    const events = await fetch(`${url}/api/v1/events`, { headers, signal: deaf.signal });
    for await (const part of events.body ?? []) heard += Buffer.from(part).toString();
  };
  // Ends with the control plane, or with the tests.
  read().catch(() => undefined);
  return () => heard;
}
