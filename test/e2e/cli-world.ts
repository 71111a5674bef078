import { afterAll, beforeAll } from 'vitest';
import type { Agent } from '../support/agent.ts';
import type { ApiDatabase, ApiServer } from '../support/api-shapes.ts';
import { type CliUser, cliUser } from '../support/cli.ts';
import type { Homeport } from '../support/harness.ts';
import type { TestPostgres } from '../support/postgres.ts';
import { addServer, backUp, protect } from '../support/protect.ts';
import { createShop } from '../support/shop.ts';
import { sharedHomeport, sharedPostgres } from './world.ts';

/** What the tests of the command line look at: a shop on a server `main`, backed up once, and somebody logged in. */
export interface ShopWorld {
  homeport: Homeport;
  postgres: TestPostgres;
  agent: Agent;
  server: ApiServer;
  database: ApiDatabase;
  user: CliUser;
}

/** One such world for the tests of a file. */
export function sharedShop(): () => ShopWorld {
  const homeport = sharedHomeport();
  const postgres = sharedPostgres();
  let world: ShopWorld | undefined;
  beforeAll(async () => {
    const { api } = homeport();
    await createShop(postgres(), 'shop', 20_000);
    const agent = await homeport().agent('first');
    const server = await addServer(api, agent, { name: 'main', server: postgres() });
    const database = await protect(api, server.id, 'shop');
    await backUp(api, database.id);
    const user = await cliUser(api);
    world = { homeport: homeport(), postgres: postgres(), agent, server, database, user };
  });
  afterAll(() => world?.user[Symbol.asyncDispose]());
  return () => world as ShopWorld;
}
