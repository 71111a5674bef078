import type { ValueOf } from '../../protocol/messages.ts';
import type { JobParts } from '../jobs/parts.ts';

/** Looks for database servers on this host, without logging in to any. */
export async function discoverServers(
  _parts: Pick<JobParts, 'servers' | 'driverFor'>,
  _signal: AbortSignal,
): Promise<ValueOf<'servers.discover'>> {
  return { servers: [], notes: [] };
}
