import { Hono } from 'hono';
import { type PrincipalEnv, principalOf } from '../auth/principal.ts';
import { type Reach, reachOf } from '../auth/reach.ts';
import { findJob } from '../db/jobs.ts';
import type { Db } from '../db/open.ts';
import type { AppDeps } from '../deps.ts';
import type { ControlPlaneEvent } from '../events.ts';

const KEEP_ALIVE_MS = 15_000;
/** Bytes a reader may be behind; beyond that its stream ends and it fetches everything anew. */
const MAX_BEHIND_BYTES = 4 * 1024 * 1024;

/** Server-sent events: what changed, so that pages know what to fetch again, and live progress. */
export function eventRoutes(deps: Pick<AppDeps, 'auth' | 'clock' | 'db' | 'events'>) {
  const { auth, clock, db, events } = deps;
  return new Hono<PrincipalEnv>().get('/events', (c) => {
    const encoder = new TextEncoder();
    const headers = new Headers(c.req.raw.headers);
    let told = toldTo(db, c.get('reach'));
    let stop = () => {};
    const stream = new ReadableStream<Uint8Array>(
      {
        start(controller) {
          let open = true;
          const end = () => {
            if (!open) return;
            stop();
            controller.close();
          };
          const write = (text: string) => {
            if ((controller.desiredSize ?? 0) <= -MAX_BEHIND_BYTES) end();
            else if (open) controller.enqueue(encoder.encode(text));
          };
          const unsubscribe = events.subscribe((event) => {
            const own = told(event);
            if (own) write(format(own));
          });
          let cancelBeat = clock.after(KEEP_ALIVE_MS, beat);
          function beat() {
            cancelBeat = clock.after(KEEP_ALIVE_MS, beat);
            // A key that was revoked, or a session that was ended, is told nothing more.
            principalOf({ auth, db }, headers).then(({ standing }) => {
              told = toldTo(db, reachOf(db, standing.labels));
              write(': keep-alive\n\n');
            }, end);
          }
          stop = () => {
            open = false;
            unsubscribe();
            cancelBeat();
          };
          write(': connected\n\n');
        },
        cancel: () => stop(),
      },
      new ByteLengthQueuingStrategy({ highWaterMark: 64 * 1024 }),
    );
    return c.body(stream, 200, {
      'content-type': 'text/event-stream',
      'cache-control': 'no-cache, no-transform',
      'x-accel-buffering': 'no',
    });
  });
}

/** What somebody with this reach is told of an event: that something changed is no secret, what it says is. */
function toldTo(db: Db, reach: Reach): (event: ControlPlaneEvent) => ControlPlaneEvent | undefined {
  if (reach.agentIds === null) return (event) => event;
  return (event) => {
    if (event.event === 'change') return { event: 'change', data: { topic: event.data.topic } };
    return reach.has(findJob(db, event.data.jobId)?.agentId ?? '') ? event : undefined;
  };
}

function format({ data, event }: ControlPlaneEvent): string {
  return `event: ${event}\ndata: ${JSON.stringify(data)}\n\n`;
}
