import type { RestorePlan } from '../../../protocol/restore.ts';
import type { OperationContext, RestoreSource, StreamOpener } from '../driver.ts';
import type { PostgresServer } from './connect.ts';
import type { PostgresTool } from './tools.ts';

/** What a restore is given. */
export interface Restoring {
  server: PostgresServer;
  plan: RestorePlan;
  source: RestoreSource;
  open: StreamOpener;
  tools: readonly PostgresTool[];
  context: OperationContext;
}
