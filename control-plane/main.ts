import { toFailure } from '../protocol/failure.ts';
import { readConfig } from './config.ts';
import { type ControlPlane, startControlPlane } from './control-plane.ts';
import { createLogger, type Logger } from './log.ts';

/** `npm start`: reads the configuration, starts, and stops on SIGTERM or SIGINT. */
async function main(): Promise<void> {
  const config = readConfig();
  const log = createLogger(config.logLevel);
  const controlPlane = await startControlPlane(config, log);
  stopOnSignal(controlPlane, log);
}

function stopOnSignal(controlPlane: ControlPlane, log: Logger): void {
  let stopping = false;
  const onSignal = (signal: NodeJS.Signals) => {
    if (stopping) process.exit(1); // asked twice: now
    stopping = true;
    log.info({ signal }, 'stopping');
    controlPlane.stop().then(() => process.exit(0), complain);
  };
  process.on('SIGTERM', onSignal);
  process.on('SIGINT', onSignal);
}

function complain(error: unknown): never {
  const { hint, message } = toFailure(error);
  process.stderr.write(`homeport: ${message}\n${hint}\n`);
  process.exit(1);
}

main().catch(complain);
