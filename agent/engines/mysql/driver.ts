import { type MysqlConnection, mysqlConnectionSchema } from '../../../protocol/engines/mysql.ts';
import { fail } from '../../../protocol/failure.ts';
import type { EngineDriver } from '../driver.ts';
import { connect } from './connect.ts';
import { dropDatabase, readMark } from './database.ts';
import { rehearse } from './drill.ts';
import { dump } from './dump.ts';
import { explain } from './errors.ts';
import { type Flavour, versionNumber } from './flavour.ts';
import { identify } from './identify.ts';
import { preflightBackup } from './preflight-backup.ts';
import { preflightRestore } from './preflight-restore.ts';
import { listDatabases, probe } from './probe.ts';
import { restore } from './restore.ts';
import { chooseTool, factsOf, findTools, standardDirectories } from './tools.ts';
import { mysqlTraces } from './traces.ts';

/**
 * The driver of MySQL (8.0–9.x) or MariaDB (10.6–12).
 * @param options.toolDirectories where to look for the client tools; the usual places where absent
 */
export function mysqlDriver(options: {
  flavour: Flavour;
  toolDirectories?: readonly string[];
}): EngineDriver<MysqlConnection> {
  const { flavour } = options;
  // Looked up anew for each operation: packages get upgraded while an agent runs.
  const tools = async (signal: AbortSignal) =>
    findTools(options.toolDirectories ?? (await standardDirectories()), signal);
  return {
    engine: flavour,
    traces: mysqlTraces(flavour),
    identify: (endpoint, signal) => identify(endpoint, flavour, signal),
    parseConnection(value) {
      const parsed = mysqlConnectionSchema.safeParse(value);
      if (parsed.success) return parsed.data;
      const where = parsed.error.issues.map((issue) => issue.path.join('.')).join(', ');
      throw fail('invalid_input', `The connection settings are not valid: ${where}.`, 'Enter them again.', {
        cause: parsed.error,
      });
    },
    detect: async () => {
      const found = await tools(new AbortController().signal);
      return found.filter((tool) => tool.flavour === flavour).map(factsOf);
    },
    // A restore sends its statements itself.
    toolsFor: async (serverVersion, signal) => {
      const wish = { kind: 'dump', flavour, version: versionNumber(serverVersion) } as const;
      return [factsOf(chooseTool(await tools(signal), wish))];
    },
    probe: (server, context) => probe(server, flavour, context),
    listDatabases: (server, context) => listDatabases(server, flavour, context),
    preflightBackup: async (server, wish, context) =>
      preflightBackup({ server, flavour, ...wish, tools: await tools(context.signal), context }),
    dump: async (server, wish, sink, context) =>
      dump({ server, flavour, ...wish, tools: await tools(context.signal), sink, context }),
    preflightRestore: (server, { plan, source }, context) =>
      preflightRestore({ server, flavour, target: plan.targetDatabase, source, context }),
    restore: (server, input, context) => restore({ server, flavour, ...input, context }),
    dropScratch: async (server, database, context) => {
      await using session = await connect(server, flavour, { signal: context.signal });
      const mark = await readMark(session, database);
      if (mark === 'absent') return;
      if (mark === 'unmarked') {
        throw fail(
          'conflict',
          `“${database}” is not a database that a restore of Homeport left unfinished.`,
          'It is left alone. Drop it yourself if you mean to.',
        );
      }
      await dropDatabase(session, database);
    },
    drills: {
      rehearse: async (place, input, context) => {
        const directories = options.toolDirectories ?? (await standardDirectories());
        return rehearse(place, { ...input, flavour, directories }, context);
      },
    },
    explain: (error, server) => explain(error, server.connection),
  };
}
