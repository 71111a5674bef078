import { setTimeout as pause } from 'node:timers/promises';
import { z } from 'zod';
import type { Client } from '../remote/client.ts';
import { progressEventShape } from '../remote/shapes.ts';

/** The control plane writes something every 15 seconds; a silence of this length is a dead connection. */
const SILENCE_MS = 45_000;
const MAX_FRAME_CHARACTERS = 4 * 1024 * 1024;
const MAX_PAUSE_MS = 5_000;

const changeShape = z.object({ topic: z.string(), id: z.string().optional() });

interface StreamListener {
  /** The stream is there; what happened before it is not repeated. */
  onOpen(): void;
  /** The stream is gone; it is tried again by itself. */
  onLost(): void;
  onJobChanged(jobId: string | undefined): void;
  onProgress(event: z.infer<typeof progressEventShape>): void;
}

/**
 * Follows `GET /events` until `signal` is aborted, connecting again whenever it breaks. Nothing is thrown: whether
 * the control plane is there at all is found out by those who ask it for the jobs.
 */
export async function followEvents(
  client: Client,
  listener: StreamListener,
  signal: AbortSignal,
): Promise<void> {
  for (let failures = 0; !signal.aborted; failures += 1) {
    const opened = await followOnce(client, listener, signal);
    if (signal.aborted) return;
    listener.onLost();
    if (opened) failures = 0;
    const most = Math.min(MAX_PAUSE_MS, 250 * 2 ** failures);
    await pause(Math.random() * most, undefined, { signal }).catch(() => {});
  }
}

/** @returns whether the stream was there */
async function followOnce(client: Client, listener: StreamListener, signal: AbortSignal): Promise<boolean> {
  const silent = new AbortController();
  const ended = AbortSignal.any([signal, silent.signal]);
  const alarm = setTimeout(() => silent.abort(), SILENCE_MS);
  let opened = false;
  try {
    const { body } = await client.open('/events', { signal: ended });
    opened = true;
    listener.onOpen();
    let rest = '';
    const decoder = new TextDecoder();
    for await (const part of body) {
      alarm.refresh();
      const frames = (rest + decoder.decode(part, { stream: true })).split('\n\n');
      rest = frames.pop() ?? '';
      if (rest.length > MAX_FRAME_CHARACTERS) return opened;
      for (const frame of frames) dispatch(frame, listener);
    }
  } catch {
    // Broken off, refused or not understood: the caller's questions tell which, and to whom it matters.
  } finally {
    clearTimeout(alarm);
    silent.abort(); // lets go of the connection where reading ended first
  }
  return opened;
}

function dispatch(frame: string, listener: StreamListener): void {
  let event = '';
  const data: string[] = [];
  for (const line of frame.split('\n')) {
    if (line.startsWith('event:')) event = line.slice(6).trim();
    else if (line.startsWith('data:')) data.push(line.slice(5).trimStart());
  }
  if (event !== 'change' && event !== 'progress') return;
  const json: unknown = JSON.parse(data.join('\n'));
  if (event === 'progress') listener.onProgress(progressEventShape.parse(json));
  else {
    const { id, topic } = changeShape.parse(json);
    if (topic === 'jobs') listener.onJobChanged(id);
  }
}
