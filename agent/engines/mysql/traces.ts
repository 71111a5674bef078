import type { EngineTraces } from '../driver.ts';
import type { Flavour } from './flavour.ts';

const PORTS = [3306, 3307, 3308, 3309];

/** What servers of either flavour leave to be seen on a host; which of the two it is, their greeting says. */
export function mysqlTraces(flavour: Flavour): EngineTraces {
  return {
    ports: PORTS,
    programs: flavour === 'mysql' ? ['mysqld'] : ['mariadbd', 'mysqld'],
    images: flavour === 'mysql' ? ['mysql', 'mysql-server', 'percona', 'percona-server'] : ['mariadb'],
    // Its path says no port; the one that the connection has beside it is not used.
    socket: (path) =>
      /\/(mysqld?|mariadbd?)(\.sock|\d*\.sock)$/.test(path) ? { host: path, port: 3306 } : undefined,
  };
}
