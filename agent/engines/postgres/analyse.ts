import type { OperationContext } from '../driver.ts';
import { connect, type PostgresServer } from './connect.ts';

/** Fresh statistics: without them the first queries would be planned blindly. A failure costs speed only. */
export async function analyse(
  server: PostgresServer,
  database: string,
  context: OperationContext,
): Promise<void> {
  context.phase('gathering statistics');
  await using session = await connect(server, database, context.signal);
  try {
    await session.run('ANALYZE');
  } catch (error) {
    context.signal.throwIfAborted();
    context.log(
      `Statistics were not gathered; autovacuum will. ${error instanceof Error ? error.message : ''}`,
    );
  }
}
