import { fail } from '../../protocol/failure.ts';
import type { EngineDriver } from './driver.ts';
import { mysqlDriver } from './mysql/driver.ts';
import { postgresDriver } from './postgres/driver.ts';
import { namingStrangers } from './stranger.ts';

/** Every engine this agent can work with; one line each. */
const DRIVERS: Record<string, () => EngineDriver> = {
  mariadb: () => mysqlDriver({ flavour: 'mariadb' }) as EngineDriver,
  mysql: () => mysqlDriver({ flavour: 'mysql' }) as EngineDriver,
  postgresql: () => postgresDriver() as EngineDriver,
};

/** The driver of an engine; throws `invalid_input` for one that this build does not know. */
export function driverFor(engine: string): EngineDriver {
  const make = Object.hasOwn(DRIVERS, engine) ? DRIVERS[engine] : undefined;
  if (!make) throw fail('invalid_input', `This agent knows no engine “${engine}”.`, 'Update the agent.');
  return namingStrangers(make(), () => Object.values(DRIVERS).map((other) => other()));
}
