import { appendFile } from 'node:fs/promises';
import { cpus, totalmem } from 'node:os';
import { join } from 'node:path';
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
  write: boolean;
}): Promise<void> {
  const machine = `${cpus().length} × ${cpus()[0]?.model.trim()}, ${Math.round(totalmem() / 2 ** 30)} GiB`;
  const lines = [
    `## ${new Date().toISOString().slice(0, 10)}: ${machine}, Node ${process.version}`,
    '',
    ...(run.speed ? speedLines(run.speed, run.rows) : []),
    ...(run.memory.length > 0 ? memoryLines(run.memory) : []),
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
