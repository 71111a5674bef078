import { Hono } from 'hono';
import type { PrincipalEnv } from '../auth/principal.ts';
import type { AppDeps } from '../deps.ts';
import type { ControlPlaneEvent } from '../events.ts';

const KEEP_ALIVE_MS = 15_000;
/** Events a reader may be behind; beyond that its stream ends and it fetches everything anew. */
const MAX_BEHIND = 1_000;

/** Server-sent events: what changed, so that pages know what to fetch again, and live progress. */
export function eventRoutes({ clock, events }: AppDeps) {
  return new Hono<PrincipalEnv>().get('/events', (c) => {
    const encoder = new TextEncoder();
    let stop = () => {};
    const stream = new ReadableStream<Uint8Array>(
      {
        start(controller) {
          const write = (text: string) => {
            if ((controller.desiredSize ?? 0) <= -MAX_BEHIND) {
              stop();
              controller.close();
            } else controller.enqueue(encoder.encode(text));
          };
          const unsubscribe = events.subscribe((event) => write(format(event)));
          let cancelBeat = clock.after(KEEP_ALIVE_MS, beat);
          function beat() {
            cancelBeat = clock.after(KEEP_ALIVE_MS, beat);
            write(': keep-alive\n\n');
          }
          stop = () => {
            unsubscribe();
            cancelBeat();
          };
          write(': connected\n\n');
        },
        cancel: () => stop(),
      },
      { highWaterMark: 16 },
    );
    return c.body(stream, 200, {
      'content-type': 'text/event-stream',
      'cache-control': 'no-cache, no-transform',
      'x-accel-buffering': 'no',
    });
  });
}

function format({ data, event }: ControlPlaneEvent): string {
  return `event: ${event}\ndata: ${JSON.stringify(data)}\n\n`;
}
