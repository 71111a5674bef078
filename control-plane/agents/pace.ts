import type { WebSocket } from 'ws';
import type { Clock } from '../clock.ts';

/** Frames an agent may send in one go, and for long: 16 jobs that report four times a second need 128. */
const BURST = 1_000;
const PER_SECOND = 200;

/**
 * Reads no faster from a socket than its agent has reason to speak, so that one that floods waits in its own
 * socket instead of keeping everybody else waiting.
 * @returns to be called for each frame
 */
export function pace(socket: Pick<WebSocket, 'pause' | 'resume'>, clock: Clock): () => void {
  let left = BURST;
  let counted = clock.now();
  return () => {
    const now = clock.now();
    left = Math.min(BURST, left + (Math.max(0, now - counted) * PER_SECOND) / 1_000) - 1;
    counted = now;
    if (left >= 0) return;
    socket.pause();
    clock.after((-left * 1_000) / PER_SECOND, () => socket.resume());
  };
}
