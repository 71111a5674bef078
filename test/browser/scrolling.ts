import type { Page } from 'playwright-core';

/** Scrolls from the top to the end in steps of a wheel's turn, one in each frame, and leaps back. */
export async function scrollThrough(page: Page): Promise<void> {
  await page.evaluate(async () => {
    const frame = () => new Promise((done) => requestAnimationFrame(done));
    for (let n = 0; n < 150; n += 1) {
      window.scrollBy(0, 400);
      await frame();
    }
    for (let n = 0; n < 20; n += 1) {
      window.scrollTo(0, (document.body.scrollHeight * n) / 20);
      await frame();
    }
  });
}

/** The longest that the page's own thread computed without a pause, in milliseconds, by a trace of Chromium. */
export async function longestTask(page: Page, act: () => Promise<void>): Promise<number> {
  const browser = page.context().browser();
  if (!browser) throw new Error('The page is in no browser.');
  await browser.startTracing(page, { categories: ['toplevel', 'devtools.timeline', '__metadata'] });
  await act();
  const trace = JSON.parse((await browser.stopTracing()).toString('utf8')) as { traceEvents: TraceEvent[] };
  const main = trace.traceEvents.filter(
    ({ args, name }) => name === 'thread_name' && args.name === 'CrRendererMain',
  );
  const threads = new Set(main.map(({ pid, tid }) => `${pid} ${tid}`));
  const tasks = trace.traceEvents.filter(
    ({ name, pid, tid }) => name.endsWith('RunTask') && threads.has(`${pid} ${tid}`),
  );
  if (tasks.length < 100) throw new Error(`The trace has ${tasks.length} tasks of the page only.`);
  // Computing, not waiting for a processor: other programs are not the page's.
  return Math.max(...tasks.map(({ dur = 0, tdur = dur }) => tdur)) / 1000;
}

interface TraceEvent {
  name: string;
  pid: number;
  tid: number;
  /** Microseconds, by the clock and computing. */
  dur?: number;
  tdur?: number;
  args: { name?: string };
}
