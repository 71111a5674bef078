import { HEARTBEAT } from '../../protocol/messages.ts';
import type { Clock } from '../clock.ts';

export interface HeartbeatActions {
  /** Called each {@link HEARTBEAT.pingMs}. */
  beat(): void;
  /** The other side has been silent for {@link HEARTBEAT.deadMs}. Called once. */
  dead(): void;
}

/** Watches one socket: beats regularly and notices silence. */
export interface Heartbeat {
  /** Something arrived. */
  heard(): void;
  stop(): void;
}

export function startHeartbeat(clock: Clock, actions: HeartbeatActions): Heartbeat {
  let lastHeard = clock.now();
  let cancelBeat = clock.after(HEARTBEAT.pingMs, beat);
  let cancelDead = clock.after(HEARTBEAT.deadMs, check);

  function beat(): void {
    cancelBeat = clock.after(HEARTBEAT.pingMs, beat);
    actions.beat();
  }
  function check(): void {
    const left = lastHeard + HEARTBEAT.deadMs - clock.now();
    if (left > 0) {
      cancelDead = clock.after(left, check);
      return;
    }
    cancelBeat();
    actions.dead();
  }
  return {
    heard() {
      lastHeard = clock.now();
    },
    stop() {
      cancelBeat();
      cancelDead();
    },
  };
}
