import type { Query, QueryClient } from '@tanstack/react-query';
import type { Page } from '../api/rpc.ts';
import type { Job, JobDetail, JobState, LogLine, Overview, Progress } from '../api/types.ts';

export type Topic = 'agents' | 'servers' | 'databases' | 'jobs' | 'snapshots' | 'policies' | 'settings';
export type LiveState = 'connecting' | 'live' | 'reconnecting';

/** Which answers a change of each topic makes stale. */
const STALE: Record<Topic, string[]> = {
  agents: ['agents', 'updates', 'servers', 'databases', 'overview', 'enrolment-tokens', 'audit'],
  servers: ['servers', 'databases', 'agents', 'discovered', 'overview', 'audit'],
  databases: ['databases', 'servers', 'available-databases', 'overview', 'audit'],
  jobs: ['jobs', 'databases', 'overview', 'audit'],
  snapshots: ['snapshots', 'databases', 'vaults', 'overview', 'audit'],
  policies: ['policies', 'databases', 'servers', 'agents', 'audit'],
  settings: [
    'enrolment-tokens',
    'api-keys',
    'users',
    'invitations',
    'vaults',
    'me',
    'sign-in-provider',
    'self-backup',
    'audit',
  ],
};

interface ProgressEvent {
  jobId: string;
  attempt: number;
  state: JobState;
  progress: Progress | null;
  ratePerSecond: number | null;
  etaSeconds: number | null;
}

/** Lines of a job's log kept on the page. */
const MAX_LOG_LINES = 2000;

/** Longest wait between two tries to connect, in milliseconds. */
const MAX_WAIT = 15_000;
/** The time in which changes are gathered, and the least between asking twice: a large fleet changes all the time. */
const GATHER = 80;
const CALM = 1000;

/**
 * The one connection over which the control plane says what changed; it keeps the query cache current and
 * comes back by itself. Returns the function that ends it.
 */
export function followEvents(client: QueryClient, onState: (state: LiveState) => void): () => void {
  let source: EventSource | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let failures = 0;
  let interrupted = false;
  const gathered = gatherTopics(client);

  function connect(): void {
    source = new EventSource('/api/v1/events');
    source.onopen = () => {
      failures = 0;
      onState('live');
      // What happened while nobody listened is not repeated.
      if (interrupted) void client.invalidateQueries();
      interrupted = false;
    };
    source.onerror = () => {
      interrupted = true;
      onState('reconnecting');
      source?.close();
      clearTimeout(timer);
      failures += 1;
      timer = setTimeout(connect, Math.random() * Math.min(MAX_WAIT, 500 * 2 ** failures));
    };
    source.addEventListener('change', (event) => gathered.add(parse<{ topic: Topic }>(event).topic));
    source.addEventListener('progress', (event) => applyProgress(client, parse(event)));
    source.addEventListener('log', (event) => appendLog(client, parse(event)));
  }

  onState('connecting');
  connect();
  return () => {
    clearTimeout(timer);
    gathered.stop();
    source?.close();
  };
}

function parse<T>(event: MessageEvent<string>): T {
  return JSON.parse(event.data) as T;
}

/** A burst of changes asks each question once. */
function gatherTopics(client: QueryClient) {
  const topics = new Set<string>();
  let timer: ReturnType<typeof setTimeout> | undefined;
  let asked = Number.NEGATIVE_INFINITY;
  const flush = () => {
    timer = undefined;
    asked = performance.now();
    for (const topic of topics) {
      // A list off screen that was empty would flash its “nothing here yet” when it is opened again.
      client.removeQueries({ queryKey: [topic], type: 'inactive', predicate: isEmptyList });
      void client.invalidateQueries({ queryKey: [topic] });
    }
    topics.clear();
  };
  return {
    add(topic: Topic): void {
      for (const stale of STALE[topic] ?? []) topics.add(stale);
      timer ??= setTimeout(flush, Math.max(GATHER, asked + CALM - performance.now()));
    },
    stop: () => clearTimeout(timer),
  };
}

function isEmptyList({ state }: Query): boolean {
  const data = state.data as Partial<Page<unknown>> | unknown[] | undefined;
  return Array.isArray(data) ? data.length === 0 : data?.rows?.length === 0;
}

function applyProgress(client: QueryClient, event: ProgressEvent): void {
  const { jobId, ...fresh } = event;
  const merge = <T extends Job>(job: T): T =>
    job.id === jobId && job.attempt <= event.attempt ? { ...job, ...fresh } : job;
  client.setQueryData<JobDetail>(['jobs', jobId], (job) => job && merge(job));
  client.setQueriesData<Page<Job>>(
    { queryKey: ['jobs', 'list'] },
    (page) => page && { ...page, rows: page.rows.map(merge) },
  );
  client.setQueryData<Overview>(
    ['overview'],
    (overview) => overview && { ...overview, activeJobs: overview.activeJobs.map(merge) },
  );
}

function appendLog(client: QueryClient, event: { jobId: string; lines: LogLine[] }): void {
  client.setQueryData<JobDetail>(
    ['jobs', event.jobId],
    (job) => job && { ...job, log: [...job.log, ...event.lines].slice(-MAX_LOG_LINES) },
  );
}
