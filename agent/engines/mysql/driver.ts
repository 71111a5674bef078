import { type MysqlConnection, mysqlConnectionSchema } from '../../../protocol/engines/mysql.ts';
import { fail } from '../../../protocol/failure.ts';
import type { EngineDriver } from '../driver.ts';
import { dump } from './dump.ts';
import { explain } from './errors.ts';
import type { Flavour } from './flavour.ts';
import { listDatabases, probe } from './probe.ts';
import { findTools, standardDirectories } from './tools.ts';

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
  const later = () => Promise.reject(fail('internal', 'Not in this build.', 'Update the agent.'));
  return {
    engine: flavour,
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
      return found
        .filter((tool) => tool.flavour === flavour)
        .map(({ name, version, path }) => ({ name, version, path }));
    },
    probe: (server, context) => probe(server, flavour, context),
    listDatabases: (server, context) => listDatabases(server, flavour, context),
    preflightBackup: later,
    dump: async (server, wish, sink, context) =>
      dump({ server, flavour, ...wish, tools: await tools(context.signal), sink, context }),
    preflightRestore: later,
    restore: later,
    dropScratch: later,
    explain: (error, server) => explain(error, server.connection),
  };
}
