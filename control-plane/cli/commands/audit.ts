import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import type { ReadableStream } from 'node:stream/web';
import { type Command, InvalidArgumentError } from 'commander';
import { sayJsonLine } from '../say.ts';
import { connect } from './session.ts';

interface Options {
  since?: string;
  until?: string;
  kind?: string;
  search?: string;
}

/** `audit`. */
export function addAuditCommand(root: Command): void {
  root
    .command('audit')
    .description('print the audit log, newest first, one JSON object on each line')
    .option('--since <time>', 'from this day (2026-01-31) or time (2026-01-31T02:00:00Z) on', time)
    .option('--until <time>', 'before this day or time', time)
    .option('--kind <kind>', 'what acts are about: user, agent, server, database, job, vault, …')
    .option('--search <text>', 'looked for in names and acts')
    .action(async ({ search, ...filter }: Options) => {
      const client = await connect();
      const query = new URLSearchParams({ ...filter, ...(search === undefined ? {} : { q: search }) });
      const { body } = await client.open(`/audit/export?${query}`, { signal: AbortSignal.timeout(3600_000) });
      for await (const line of createInterface({
        input: Readable.fromWeb(body as ReadableStream<Uint8Array>),
      })) {
        sayJsonLine(JSON.parse(line));
        if (process.stdout.writableNeedDrain) await once(process.stdout, 'drain');
      }
    });
}

/** As the API takes it; a day begins at midnight UTC. */
function time(text: string): string {
  const at = Date.parse(text);
  if (Number.isNaN(at)) throw new InvalidArgumentError('Give a day or a time, such as 2026-01-31.');
  return new Date(at).toISOString();
}
