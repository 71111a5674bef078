import { randomBytes } from 'node:crypto';
import { connect, type MysqlServer } from './connect.ts';
import type { Flavour } from './flavour.ts';
import { grantDatabase } from './quote.ts';

/** In whose name views, routines and triggers of the dump run. Nobody can log in to it. */
export const DEFINER = 'homeport_drill_definer@localhost';

/** Logins of the accounts that may touch the database. */
export interface DrillAccounts {
  /** May do everything with the one database and nothing else; what the dump holds is restored by this. */
  owner: MysqlServer;
  /** May read it. */
  reader: MysqlServer;
}

/** Since then MySQL has two privileges in place of SET_USER_ID. */
const ANY_DEFINER = 80_200;
/** What a restore looks up in the server's own tables. */
const LOOKED_UP: Record<Flavour, readonly string[]> = {
  mysql: ['user', 'global_grants', 'role_edges'],
  mariadb: ['user'],
};

/** Makes the accounts, before anything of the dump is there. */
export async function createAccounts(
  admin: MysqlServer,
  { database, flavour, signal }: { database: string; flavour: Flavour; signal: AbortSignal },
): Promise<DrillAccounts> {
  await using session = await connect(admin, flavour, { signal });
  const create = async (user: string): Promise<MysqlServer> => {
    const password = randomBytes(24).toString('hex');
    await session.run(`CREATE USER ${user}@localhost IDENTIFIED BY '${password}'`);
    return { connection: { ...admin.connection, user }, password };
  };
  const owner = await create('homeport_drill_owner');
  const reader = await create('homeport_drill_reader');
  await session.run(`CREATE USER ${DEFINER} ACCOUNT LOCK`);
  const on = `${grantDatabase(database)}.*`;
  await session.run(`GRANT ALL PRIVILEGES ON ${on} TO homeport_drill_owner@localhost`);
  for (const user of ['homeport_drill_reader@localhost', DEFINER])
    await session.run(`GRANT SELECT, SHOW VIEW, EXECUTE ON ${on} TO ${user}`);
  for (const table of LOOKED_UP[flavour])
    await session.run(`GRANT SELECT ON mysql.${table} TO homeport_drill_owner@localhost`);
  const define =
    flavour === 'mariadb'
      ? 'SET USER'
      : session.versionNumber >= ANY_DEFINER
        ? 'SET_ANY_DEFINER'
        : 'SET_USER_ID';
  await session.run(`GRANT ${define} ON *.* TO homeport_drill_owner@localhost`);
  return { owner, reader };
}
