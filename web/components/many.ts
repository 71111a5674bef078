import { useRef, useState } from 'react';

/** How many things are asked for at a time: the control plane has others to answer. */
const AT_ONCE = 4;

/** What became of doing one thing with many. */
export interface Many<T> {
  /** Things there are to do it with; null before it has begun. */
  total: number | null;
  done: number;
  refused: { thing: T; error: unknown }[];
  running: boolean;
  start(things: readonly T[]): void;
  /** Begins with no other; what has begun ends. */
  stop(): void;
}

/** Does one thing with many, a few at a time, each by itself: what one is refused for stops no other. */
export function useMany<T>(act: (thing: T) => Promise<unknown>): Many<T> {
  const [state, setState] = useState<Pick<Many<T>, 'total' | 'done' | 'refused' | 'running'>>({
    ...{ total: null, done: 0, refused: [], running: false },
  });
  const stopped = useRef(false);
  const one = async (thing: T) => {
    try {
      await act(thing);
      setState((now) => ({ ...now, done: now.done + 1 }));
    } catch (error) {
      setState((now) => ({ ...now, refused: [...now.refused, { thing, error }] }));
    }
  };
  const run = async (things: readonly T[]) => {
    stopped.current = false;
    setState({ total: things.length, done: 0, refused: [], running: true });
    const left = [...things];
    const worker = async () => {
      for (let thing = left.shift(); thing !== undefined && !stopped.current; thing = left.shift()) {
        await one(thing);
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, worker));
    setState((now) => ({ ...now, running: false }));
  };
  return {
    ...state,
    start: (things) => void run(things),
    stop: () => {
      stopped.current = true;
    },
  };
}
