import { engineContract } from '../contract/engine.ts';
import { postgresSubject } from '../contract/postgres.ts';
import { serverVersion } from '../support/servers.ts';

engineContract(postgresSubject(serverVersion('postgresql', '18')));
