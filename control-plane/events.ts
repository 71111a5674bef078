import type { JobState, Progress } from '../protocol/job.ts';

export const TOPICS = [
  'agents',
  'servers',
  'databases',
  'jobs',
  'snapshots',
  'policies',
  'settings',
] as const;
export type Topic = (typeof TOPICS)[number];

/** What the UI is told as it happens; everything in it can be fetched as well. */
export type ControlPlaneEvent =
  | { event: 'change'; data: { topic: Topic; id?: string } }
  | {
      event: 'progress';
      data: {
        jobId: string;
        attempt: number;
        progress: Progress;
        state: JobState;
        /** Plaintext bytes per second. */
        ratePerSecond: number | null;
        etaSeconds: number | null;
      };
    }
  | { event: 'log'; data: { jobId: string; lines: { at: string; text: string }[] } };

export interface Events {
  publish(event: ControlPlaneEvent): void;
  changed(topic: Topic, id?: string): void;
  /** @returns ends the subscription */
  subscribe(listener: (event: ControlPlaneEvent) => void): () => void;
}

/** @param onFault told of a listener that threw; the others hear the event all the same */
export function createEvents(onFault: (error: unknown) => void): Events {
  const listeners = new Set<(event: ControlPlaneEvent) => void>();
  const publish = (event: ControlPlaneEvent) => {
    for (const listener of listeners) {
      try {
        listener(event);
      } catch (error) {
        onFault(error);
      }
    }
  };
  return {
    publish,
    changed: (topic, id) => publish({ event: 'change', data: id === undefined ? { topic } : { topic, id } }),
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}
