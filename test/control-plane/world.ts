import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createApiKey, HOST_USER } from '../../control-plane/auth/api-keys.ts';
import { createAuth } from '../../control-plane/auth/auth.ts';
import { createSetupLink } from '../../control-plane/auth/setup.ts';
import { type Config, readConfig } from '../../control-plane/config.ts';
import { startControlPlane } from '../../control-plane/control-plane.ts';
import { closeDb, DATABASE_FILE, type Db, openDb } from '../../control-plane/db/open.ts';
import { loadMasterKey } from '../../control-plane/keys/master.ts';
import { createLogger } from '../../control-plane/log.ts';
import { type Api, createApi } from '../support/api.ts';

/** A control plane in this process, on a free port and a directory of its own, with a key to its API. */
export interface World extends AsyncDisposable {
  url: string;
  api: Api;
  config: Config;
  /** A second handle on its database. */
  db: Db;
  /** A fresh link for the owner's account. */
  setupToken(): string;
}

export async function startWorld(env: Record<string, string> = {}): Promise<World> {
  const dataDir = await mkdtemp(join(tmpdir(), 'homeport-cp-'));
  const config = readConfig({
    HOMEPORT_DATA: dataDir,
    HOMEPORT_PORT: '0',
    HOMEPORT_RELEASE: join(dataDir, 'no-release'),
    ...env,
  });
  const log = createLogger('silent');
  const controlPlane = await startControlPlane(config, log);
  const db = openDb(join(dataDir, DATABASE_FILE));
  const { url } = controlPlane;
  const auth = createAuth({ db, master: await loadMasterKey(dataDir), url, origins: [url], log });
  const { key } = await createApiKey(auth, { name: 'tests', userId: HOST_USER });
  return {
    url,
    config,
    db,
    api: createApi(`http://127.0.0.1:${controlPlane.port}`, key),
    setupToken: () => createSetupLink(db, url).split('#')[1] ?? '',
    async [Symbol.asyncDispose]() {
      closeDb(db);
      await controlPlane.stop();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}
