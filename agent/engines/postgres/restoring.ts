import type { RestorePlan } from '../../../protocol/restore.ts';
import type { OperationContext, RestoreSource, StreamOpener } from '../driver.ts';
import type { TocEntry } from './archive-toc.ts';
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
  /** In place: entries of the archive that are not restored. */
  leaveOut?: (entry: TocEntry) => boolean;
}
