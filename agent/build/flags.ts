/**
 * Node's options for the agent, however it is started; the launcher `agent/homeport-agent` has the same.
 *
 * A dump goes through buffers that live for milliseconds. With the first two V8 frees them in small, early
 * collections (docs/benchmarks.md); what makes megabytes frees them itself, so V8 need not look for them twice a second.
 * With the last the agent trusts the certificate authorities of its host, as
 * every other program there does.
 */
export const NODE_FLAGS = [
  '--external-memory-accounted-in-global-limit',
  '--max-semi-space-size=2',
  '--no-memory-reducer',
  '--use-system-ca',
] as const;

/** The oldest Node that `agent.mjs` runs on: the one it is tested with. */
export const NODE_MAJOR = 26;
