import { Command, InvalidArgumentError } from 'commander';
import { type Failure, fail } from '../../protocol/failure.ts';
import { HOMEPORT_VERSION } from '../../protocol/version.ts';
import { pause, systemClock } from '../clock.ts';
import { type AgentConfig, type ConfigOptions, loadConfig } from '../config.ts';
import { createLog } from '../log.ts';
import { openSecretRoom, runTool } from '../process.ts';
import { loadConnectionState } from '../state/connection.ts';
import { lockHolder } from '../state/lock.ts';
import { applyUpdate, type UpdateHands } from './apply.ts';
import { ownPlatform } from './updater.ts';

/** How often is looked whether the new version is connected, in milliseconds. */
const LOOK_AGAIN_MS = 500;

interface ApplyWish {
  program: string;
  service: string;
  wait: number;
  settle: number;
}

/**
 * `homeport-agent apply-update`: what `homeport-agent-update.service` runs, as root. It stays root where other commands
 * go on as the agent's account: that one may not write the program.
 */
export function applyUpdateCommand(options: () => ConfigOptions): Command {
  return new Command('apply-update')
    .description(
      'put the update that the agent has fetched in place; the service homeport-agent-update runs this',
    )
    .requiredOption('--program <file>', 'the agent’s program')
    .requiredOption('--service <unit>', 'the agent’s service')
    .option('--wait <seconds>', 'how long the new version may take to connect', parseSeconds, 120)
    .option('--settle <seconds>', 'how long it has to stay connected', parseSeconds, 10)
    .action(async (wish: ApplyWish) => {
      const config = await loadConfig(options());
      const { updatesDir } = config;
      if (updatesDir === undefined) throw notSetUp();
      const { program } = wish;
      const place = {
        config: { ...config, updatesDir },
        program,
        platform: ownPlatform(),
        running: HOMEPORT_VERSION,
      };
      await applyUpdate(place, handsFor(config, wish), createLog(config.logLevel));
    });
}

function handsFor({ stateDir }: AgentConfig, { service, settle, wait }: ApplyWish): UpdateHands {
  const run = async (file: string, ...args: string[]) => {
    await using room = await openSecretRoom({});
    const { exitCode, stderr, stdout } = await runTool({ file, args, room }, AbortSignal.timeout(300_000));
    return { ok: exitCode === 0, said: stdout.trim() || stderr.trim() || `exit code ${exitCode}` };
  };
  return {
    async restart() {
      const { ok, said } = await run('systemctl', 'restart', service);
      if (!ok) throw new Error(said);
    },
    versionOf: async (program) => (await run(program, '--version')).said,
    settled: (version) => settled({ stateDir, version, waitMs: wait * 1000, settleMs: settle * 1000 }),
  };
}

/** Connected once is not enough: one process has to stay so for a while. */
async function settled(wish: {
  stateDir: string;
  version: string;
  waitMs: number;
  settleMs: number;
}): Promise<Failure | undefined> {
  const deadline = systemClock.now() + wish.waitMs;
  let obstacle: Failure = silence(wish.version);
  let proving: { pid: number; since: number } | undefined;
  for (;;) {
    const noted = await loadConnectionState(wish.stateDir).catch(() => undefined); // damaged: as if there were none
    const pid = await lockHolder(wish.stateDir);
    const now = systemClock.now();
    const own = noted !== undefined && noted.pid === pid && noted.version === wish.version;
    if (own && noted.failure) obstacle = noted.failure;
    if (own && noted.state === 'connected') {
      if (proving?.pid !== noted.pid) proving = { pid: noted.pid, since: now };
      if (now - proving.since >= wish.settleMs) return undefined;
    } else proving = undefined;
    if (now >= deadline && !proving) return obstacle;
    if (now >= deadline + wish.settleMs) return obstacle;
    await pause(systemClock, LOOK_AGAIN_MS, new AbortController().signal);
  }
}

function silence(version: string): Failure {
  const message = `No agent of version ${version} was running, or it did not stay.`;
  return fail('control_plane_unreachable', message, 'It may end at once: its log says why.').failure;
}

function notSetUp() {
  return fail(
    'invalid_input',
    'HOMEPORT_AGENT_UPDATES does not say where to note what becomes of updates.',
    'This command is for the service homeport-agent-update, which install.sh makes.',
  );
}

function parseSeconds(text: string): number {
  const seconds = Number(text);
  if (!Number.isFinite(seconds) || seconds < 0 || seconds > 3600)
    throw new InvalidArgumentError('give seconds from 0 to 3600');
  return seconds;
}
