import { engineContract } from '../../../contract/engine.ts';
import { mysqlSubject } from '../../../contract/mysql.ts';
import { serverVersion } from '../../../support/servers.ts';

engineContract(mysqlSubject(serverVersion('mariadb', '10.11')));
