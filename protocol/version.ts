/** Version of this build, reported by agents and the control plane. */
export const HOMEPORT_VERSION = '0.1.0';

/** Inclusive range of wire protocol versions a side can speak. */
export interface ProtocolRange {
  min: number;
  max: number;
}

/** What this build speaks: version N and, once there is one, N−1. */
export const PROTOCOL: ProtocolRange = { min: 1, max: 1 };

/** The highest version both sides speak, or `undefined` where the ranges do not meet. */
export function negotiate(ours: ProtocolRange, theirs: ProtocolRange): number | undefined {
  const best = Math.min(ours.max, theirs.max);
  return best >= Math.max(ours.min, theirs.min) ? best : undefined;
}
