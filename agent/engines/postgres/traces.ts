import { readFile, readlink } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { EngineTraces, HostProcess } from '../driver.ts';

/** What PostgreSQL servers leave to be seen on a host. */
export const postgresTraces: EngineTraces = {
  ports: [5432, 5433, 5434, 5435, 5436, 5437, 5438, 5439],
  programs: ['postgres', 'postmaster'],
  images: ['postgres', 'postgresql', 'postgis', 'pgvector', 'timescaledb', 'timescaledb-ha'],
  socket(path) {
    const port = /\/\.s\.PGSQL\.(\d{1,5})$/.exec(path)?.[1];
    return port ? { host: dirname(path), port: Number(port) } : undefined;
  },
  version,
};

/** The server works in its data directory, which says the major version; so does where Debian keeps its program. */
async function version({ pid }: HostProcess): Promise<string | undefined> {
  const told = await readFile(`/proc/${pid}/cwd/PG_VERSION`, 'utf8').catch(() => '');
  if (/^\d+(\.\d+)?\s*$/.test(told)) return told.trim();
  const program = await readlink(`/proc/${pid}/exe`).catch(() => '');
  return /\/(?:postgresql|pgsql)[/-](\d+(?:\.\d+)?)\/bin\//.exec(program)?.[1];
}
