import { readSettings } from '../config.ts';
import type { Job } from '../remote/shapes.ts';
import { sayJsonLine } from '../say.ts';
import { picture } from './picture.ts';
import { isOver } from './watch.ts';

/** Where the progress of jobs is shown. */
export interface Screen {
  update(job: Job): void;
  /** `false`: the control plane is out of reach. */
  reach(reached: boolean): void;
  /** Clears away what was only for the time of waiting. */
  end(): void;
}

/** Bars on a terminal, else one JSON object per line and change. */
export function createScreen(json: boolean): Screen {
  const { dumb, plain } = readSettings();
  if (json || !process.stdout.isTTY || dumb) return jsonLines();
  return bars(process.stdout, !plain);
}

function jsonLines(): Screen {
  return {
    update(job) {
      if (isOver(job)) return; // the last line tells it in full
      const { attempt, etaSeconds, id: jobId, progress, ratePerSecond, state } = job;
      sayJsonLine({ event: 'progress', jobId, state, attempt, progress, ratePerSecond, etaSeconds });
    },
    reach: (reached) => sayJsonLine({ event: reached ? 'reconnected' : 'disconnected' }),
    end() {},
  };
}

/** A block of lines, one for each job that goes on, drawn over itself. */
function bars(out: NodeJS.WriteStream, color: boolean): Screen {
  const jobs = new Map<string, Job>();
  let drawn = 0;
  let reached = true;
  const up = () => (drawn > 1 ? `\u001b[${drawn - 1}A` : '');
  const draw = () => {
    // The last column stays free: a full line would make some terminals go to the next one.
    const width = Math.max(10, out.columns || 80) - 1;
    const room = Math.max(1, (out.rows || 24) - 2);
    const going = [...jobs.values()].filter((job) => !isOver(job));
    const lines = going.slice(0, room).map((job) => picture(job, { color, width }));
    if (going.length > room) lines.push(`… and ${going.length - room} more`);
    if (!reached)
      lines.push('The control plane is out of reach; waiting for it. The jobs go on.'.slice(0, width));
    out.write(`${up()}\r\u001b[J${lines.join('\n')}`);
    drawn = lines.length;
  };
  out.on('resize', draw);
  return {
    update(job) {
      jobs.set(job.id, job);
      draw();
    },
    reach(now) {
      reached = now;
      draw();
    },
    end() {
      out.off('resize', draw);
      out.write(`${up()}\r\u001b[J`);
      drawn = 0;
    },
  };
}
