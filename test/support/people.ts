import { randomUUID } from 'node:crypto';
import { createApiKey } from '../../control-plane/auth/api-keys.ts';
import { createAuth } from '../../control-plane/auth/auth.ts';
import type { Standing } from '../../control-plane/auth/rights.ts';
import type { Db } from '../../control-plane/db/open.ts';
import { insertUser } from '../../control-plane/db/users.ts';
import { loadMasterKey } from '../../control-plane/keys/master.ts';
import { createLogger } from '../../control-plane/log.ts';
import { type Api, createApi } from './api.ts';

/** Somebody with an account at a control plane that runs in this process. */
export interface Person {
  id: string;
  email: string;
  api: Api;
}

/** Makes a user without going through an invitation, with a key that may do all that the user may. */
export async function addPerson(
  { api, config, db, url }: { api: Api; config: { dataDir: string }; db: Db; url: string },
  { extraRights = [], labels = null, role }: Partial<Standing> & Pick<Standing, 'role'>,
): Promise<Person> {
  const id = randomUUID();
  const email = `${id}@example.org`;
  const name = `${role} ${id.slice(0, 4)}`;
  const account = { id, name, email, passwordHash: 'none', now: new Date() };
  insertUser(db, { ...account, role, extraRights, labels });
  const master = await loadMasterKey(config.dataDir);
  const auth = createAuth({ db, master, url, origins: [url], log: createLogger('silent') });
  const { key } = await createApiKey(auth, { name, userId: id });
  return { id, email, api: createApi(api.url, key) };
}
