import { appendFile } from 'node:fs/promises';
import { cpus, totalmem } from 'node:os';
import { join } from 'node:path';
import type { MariadbFigures } from './mariadb.ts';
import { median } from './measure.ts';
import type { MemoryFigure } from './memory.ts';
import type { Contestant, SpeedFigures } from './speed.ts';

const PAGE = join(import.meta.dirname, '../../docs/benchmarks.md');

const LABELS: Record<Contestant, string> = {
  limit: '`pg_dump -Fc -Z0 > /dev/null` (the limit)',
  typed: '`pg_dump -Fc` (as typed)',
  restic: '`pg_dump -Fc -Z0 \\| restic backup --stdin`, first',
  first: '**Homeport, first backup**',
  resticAgain: 'the same with restic, second',
  second: '**Homeport, second backup, nothing changed**',
};

/** Prints the run's tables; with `write` they go to docs/benchmarks.md too. */
export async function report(run: {
  rows: number;
  speed: SpeedFigures | undefined;
  memory: readonly MemoryFigure[];
  mariadbRows: number;
  mariadb: MariadbFigures | undefined;
  write: boolean;
}): Promise<void> {
  const machine = `${cpus().length} × ${cpus()[0]?.model.trim()}, ${Math.round(totalmem() / 2 ** 30)} GiB`;
  const lines = [
    `## ${new Date().toISOString().slice(0, 10)}: ${machine}, Node ${process.version}`,
    '',
    ...(run.speed ? speedLines(run.speed, run.rows) : []),
    ...(run.memory.length > 0 ? memoryLines(run.memory) : []),
    ...(run.mariadb ? mariadbLines(run.mariadb, run.mariadbRows) : []),
  ];
  console.log(lines.join('\n'));
  if (run.write) await appendFile(PAGE, `\n${lines.join('\n')}`);
}

function speedLines(speed: SpeedFigures, rows: number): string[] {
  const limit = median(speed.times.limit);
  const names = Object.keys(LABELS) as Contestant[];
  const share = (bytes: number) => `${((bytes / speed.first.storedBytes) * 100).toFixed(2)} %`;
  return [
    `${rows.toLocaleString('en')} rows, dump of ${gigabytes(speed.first.rawBytes)}; median of ${speed.times.limit.length} interleaved rounds.`,
    '',
    '| | seconds | × limit | rounds |',
    '| --- | ---: | ---: | --- |',
    ...names.map((name) => {
      const times = speed.times[name];
      const middle = median(times);
      const all = times.map((time) => time.toFixed(1)).join(' ');
      return `| ${LABELS[name]} | ${middle.toFixed(2)} | ${(middle / limit).toFixed(2)} | ${all} |`;
    }),
    '',
    '| uploaded by | sealed bytes | of the first |',
    '| --- | ---: | ---: |',
    `| the first backup | ${speed.first.storedBytes.toLocaleString('en')} | |`,
    `| the second, nothing changed | ${speed.second.storedBytes.toLocaleString('en')} | ${share(speed.second.storedBytes)} |`,
    `| one after 100 scattered updates | ${speed.updated.storedBytes.toLocaleString('en')} | ${share(speed.updated.storedBytes)} |`,
    '',
    `Processor seconds of a first backup: PostgreSQL ${speed.cpu.postgres.toFixed(1)}, pg_dump ${speed.cpu.pgDump.toFixed(1)}, ` +
      `agent ${speed.cpu.agent.toFixed(1)}, control plane ${speed.cpu.controlPlane.toFixed(1)}.`,
    '',
    '| the agent’s main thread, under a profiler | seconds |',
    '| --- | ---: |',
    ...speed.profile.map(([work, time]) => `| ${work} | ${time.toFixed(2)} |`),
    '',
  ];
}

function mariadbLines({ changed, first, peerBytes, times }: MariadbFigures, rows: number): string[] {
  const line = (label: string, own: readonly number[], peer: readonly number[]) => {
    const all = own.map((time) => time.toFixed(1)).join(' ');
    return `| ${label} | ${median(own).toFixed(2)} | ${(median(own) / median(peer)).toFixed(2)} | ${all} |`;
  };
  const share = (bytes: number) => `${((bytes / first.storedBytes) * 100).toFixed(2)} %`;
  return [
    `MariaDB: ${rows.toLocaleString('en')} rows, dump of ${gigabytes(first.rawBytes)}; median of ${times.dump.length} interleaved rounds.`,
    '',
    '| | seconds | × peer | rounds |',
    '| --- | ---: | ---: | --- |',
    line('`mariadb-dump \\| zstd -3`', times.dump, times.dump),
    line('**Homeport, first backup**', times.first, times.dump),
    line('`mariadb < dump.sql`', times.load, times.load),
    line('**Homeport, restore**', times.restore, times.load),
    '',
    '| stored by | bytes | of the first |',
    '| --- | ---: | ---: |',
    `| \`mariadb-dump \\| zstd -3\` | ${peerBytes.toLocaleString('en')} | |`,
    `| the first backup | ${first.storedBytes.toLocaleString('en')} | |`,
    `| one after 100 updates and 40 deletes, scattered | ${changed.storedBytes.toLocaleString('en')} | ${share(changed.storedBytes)} |`,
    '',
  ];
}

function memoryLines(memory: readonly MemoryFigure[]): string[] {
  const peaks = memory.map(({ agentPeak }) => agentPeak);
  const spread = (Math.max(...peaks) / Math.min(...peaks) - 1) * 100;
  return [
    '| dump | agent, peak resident |',
    '| --- | ---: |',
    ...memory.map(
      ({ rawBytes, agentPeak }) => `| ${gigabytes(rawBytes)} | ${Math.round(agentPeak / 1e6)} MB |`,
    ),
    '',
    `Difference: ${spread.toFixed(1)} %.`,
    '',
  ];
}

const gigabytes = (bytes: number) => `${(bytes / 1e9).toFixed(2)} GB`;
