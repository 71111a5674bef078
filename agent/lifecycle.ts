import type { AgentConfig } from './config.ts';
import type { Log } from './log.ts';
import { startAgent } from './run.ts';

/** Runs the agent until it is told to stop: the first signal drains it, the second ends its jobs. */
export async function runUntilStopped(config: AgentConfig, log: Log): Promise<void> {
  const agent = await startAgent(config, log);
  const stop = nextSignal();
  log.info({ signal: await stop, state: config.stateDir }, 'finishing what runs; signal again to end it');
  const drained = agent.drain();
  nextSignal().then((signal) => {
    log.warn({ signal }, 'ending what runs');
    agent.stopJobs();
  });
  await drained;
  log.info('stopped');
}

function nextSignal(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    const onSignal = (signal: NodeJS.Signals) => {
      process.off('SIGTERM', onSignal);
      process.off('SIGINT', onSignal);
      resolve(signal);
    };
    process.on('SIGTERM', onSignal);
    process.on('SIGINT', onSignal);
  });
}
