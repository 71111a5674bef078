import type { Api } from './api.ts';

/** What one list or page took on the server, in milliseconds: by the clock, and computing alone. */
export interface Speed {
  path: string;
  /** What p95 is to stay below. */
  limit: number;
  wall: { p50: number; p95: number };
  cpu: { p50: number; p95: number };
}

/** Limits for the big fleet, in milliseconds at the 95th percentile. */
const LIST = 50;
const OVERVIEW = 100;
/** Asked once in a while, by a machine. */
const METRICS = 250;

/** Every list that can be long, as pages and scripts ask for it; and the overview. */
function questions({
  databaseId,
  serverId,
}: {
  databaseId: string;
  serverId: string;
}): [path: string, limit: number][] {
  const lists = [
    '/databases',
    '/databases?q=shop',
    '/databases?status=at-risk',
    '/databases?order=urgency',
    '/databases?offset=9000',
    `/databases?serverId=${serverId}`,
    '/databases/counts',
    '/agents',
    '/agents?q=host-0001',
    '/agents?offset=1900',
    '/updates',
    '/policies',
    '/servers',
    '/servers?q=main-0001',
    '/snapshots',
    '/snapshots?offset=200000',
    `/snapshots?databaseId=${databaseId}`,
    '/jobs',
    '/jobs?state=failed',
    '/jobs?offset=90000',
    `/jobs?databaseId=${databaseId}`,
    '/audit',
    '/audit?kind=user',
    '/audit?q=shop',
  ];
  return [
    ...lists.map((path): [string, number] => [path, LIST]),
    ['/overview', OVERVIEW],
    ['/metrics', METRICS],
  ];
}

/** Asks each question so many times, one after the other, and takes the times the server tells. */
export async function measureFleet(
  api: Api,
  about: { databaseId: string; serverId: string; rounds: number },
): Promise<Speed[]> {
  const speeds: Speed[] = [];
  for (const [path, limit] of questions(about)) {
    const wall: number[] = [];
    const cpu: number[] = [];
    for (let round = 0; round < about.rounds; round += 1) {
      const response = await api.fetch(path);
      if (!response.ok) throw new Error(`${path} → ${response.status} ${await response.text()}`);
      await response.arrayBuffer();
      const told = response.headers.get('server-timing') ?? '';
      wall.push(Number(/total;dur=([\d.]+)/.exec(told)?.[1]));
      cpu.push(Number(/cpu;dur=([\d.]+)/.exec(told)?.[1]));
    }
    speeds.push({ path, limit, wall: percentiles(wall), cpu: percentiles(cpu) });
  }
  return speeds;
}

function percentiles(times: number[]): { p50: number; p95: number } {
  const sorted = times.toSorted((a, b) => a - b);
  const at = (share: number) =>
    sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * share) - 1)] ?? 0;
  return { p50: at(0.5), p95: at(0.95) };
}
