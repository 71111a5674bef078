import type { PostgresConnection } from '../../../protocol/engines/postgres.ts';
import { postgresConnectionSchema } from '../../../protocol/engines/postgres.ts';
import { fail } from '../../../protocol/failure.ts';
import type { EngineDriver } from '../driver.ts';
import { connect, maintenanceDatabase } from './connect.ts';
import { dropDatabase, isScratch } from './database.ts';
import { rehearse } from './drill.ts';
import { dump } from './dump.ts';
import { explain } from './errors.ts';
import { identify } from './identify.ts';
import { preflightBackup } from './preflight-backup.ts';
import { preflightRestore } from './preflight-restore.ts';
import { listDatabases, probe } from './probe.ts';
import { restore } from './restore.ts';
import { chooseTool, factsOf, findTools, standardDirectories } from './tools.ts';
import { postgresTraces } from './traces.ts';

/**
 * The PostgreSQL driver, for servers 13–18.
 * @param options.toolDirectories where to look for pg_dump and pg_restore; the usual places where absent
 */
export function postgresDriver(
  options: { toolDirectories?: readonly string[] } = {},
): EngineDriver<PostgresConnection> {
  // Looked up anew for each operation: packages get upgraded while an agent runs.
  const tools = async (signal: AbortSignal) =>
    findTools(options.toolDirectories ?? (await standardDirectories()), signal);
  return {
    engine: 'postgresql',
    parseConnection(value) {
      const parsed = postgresConnectionSchema.safeParse(value);
      if (parsed.success) return parsed.data;
      const where = parsed.error.issues.map((issue) => issue.path.join('.')).join(', ');
      throw fail('invalid_input', `The connection settings are not valid: ${where}.`, 'Enter them again.', {
        cause: parsed.error,
      });
    },
    detect: async () => (await tools(new AbortController().signal)).map(factsOf),
    toolsFor: async (serverVersion, signal) => {
      const found = await tools(signal);
      const major = Number.parseInt(serverVersion, 10);
      return (['pg_dump', 'pg_restore'] as const).map((name) => factsOf(chooseTool(found, name, major)));
    },
    traces: postgresTraces,
    identify,
    probe,
    listDatabases,
    preflightBackup: async (server, wish, context) =>
      preflightBackup({ server, ...wish, context, tools: await tools(context.signal) }),
    dump: async (server, wish, sink, context) =>
      dump({ server, ...wish, sink, context, tools: await tools(context.signal) }),
    preflightRestore: async (server, { plan, source }, context) =>
      preflightRestore({
        server,
        target: plan.targetDatabase,
        source,
        context,
        tools: await tools(context.signal),
      }),
    restore: async (server, input, context) =>
      restore({ server, ...input, context, tools: await tools(context.signal) }),
    dropScratch: async (server, database, context) => {
      await using session = await connect(server, maintenanceDatabase(server), context.signal);
      if (!(await isScratch(session, database))) {
        throw fail(
          'conflict',
          `“${database}” is not a scratch database of Homeport.`,
          'It is left alone. Drop it yourself if you mean to.',
        );
      }
      await dropDatabase(session, database);
    },
    drills: {
      rehearse: async (place, input, context) => {
        const directories = options.toolDirectories ?? (await standardDirectories());
        return rehearse(place, { ...input, directories, tools: await tools(context.signal) }, context);
      },
    },
    explain: (error, server) => explain(error, server.connection),
  };
}
