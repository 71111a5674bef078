import os from 'node:os';
import { Command, CommanderError } from 'commander';
import type { Predecessor } from '../protocol/enrolment.ts';
import { type Failure, fail, toFailure } from '../protocol/failure.ts';
import { HOMEPORT_VERSION } from '../protocol/version.ts';
import { type AgentConfig, loadConfig } from './config.ts';
import { controlPlaneOrigin } from './connection/address.ts';
import { enrol } from './connection/enrol.ts';
import { routeTo } from './connection/proxy.ts';
import { doctorCommand } from './doctor/cli.ts';
import { ensureIdentity } from './identity.ts';
import { runUntilStopped } from './lifecycle.ts';
import { createLog, printable } from './log.ts';
import { actAsOwner } from './owner.ts';
import { readSecret } from './secrets.ts';
import { serverCommand } from './servers/cli.ts';
import { loadControlPlane, saveControlPlane } from './state/control-plane.ts';
import { requireStateDir } from './state/folder.ts';
import { statusCommand } from './status.ts';
import { applyUpdateCommand } from './update/cli.ts';

/** Exit codes: 0 done, 1 failed, 2 wrong use. */
const FAILED = 1;
const MISUSED = 2;

/** Gives the configuration that the global options name; from then on the process acts as the agent's user. */
export type LoadConfig = () => Promise<AgentConfig>;

/** Runs one command line of `homeport-agent`; resolves to the exit code. Never rejects. */
export async function main(argv: readonly string[]): Promise<number> {
  let code = 0;
  try {
    await program((failed) => {
      code = failed ? FAILED : 0;
    }).parseAsync([...argv]);
    return code;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : MISUSED;
    printFailure(toFailure(error));
    return FAILED;
  }
}

/** @param examined told whether an examination found something that does not work */
function program(examined: (failed: boolean) => void): Command {
  const root = new Command('homeport-agent')
    .description('Backs up and restores databases next to it, on behalf of a Homeport control plane.')
    .version(HOMEPORT_VERSION)
    .option('--state <dir>', 'state directory (or HOMEPORT_AGENT_STATE)')
    .option('--config <file>', 'configuration file (or HOMEPORT_AGENT_CONFIG)')
    .exitOverride();
  const config: LoadConfig = async () => {
    const loaded = await loadConfig(root.opts());
    await actAsOwner(loaded.stateDir);
    return loaded;
  };
  root.addCommand(enrolCommand(config));
  root.addCommand(runCommand(config));
  root.addCommand(doctorCommand(() => root.opts(), examined));
  root.addCommand(statusCommand(config, examined));
  root.addCommand(fingerprintCommand(config));
  root.addCommand(serverCommand(config));
  root.addCommand(
    applyUpdateCommand(() => root.opts()),
    { hidden: true },
  );
  for (const command of root.commands) command.copyInheritedSettings(root);
  return root;
}

function enrolCommand(config: LoadConfig): Command {
  return new Command('enrol')
    .description('join a control plane; the token is read from standard input')
    .requiredOption('--url <url>', 'address of the control plane, e.g. https://backups.example.org')
    .option('--name <name>', 'name shown for this agent', os.hostname())
    .option('--token-file <file>', 'read the token from a file of mode 0600; - is standard input')
    .option('--replace', 'leave the control plane this agent belongs to now')
    .option(
      '--successor-of <agent>',
      'take the place of this agent, which is lost; the token has to be for that',
    )
    .option('--anew', 'with --successor-of: reuse nothing that the lost agent stored, upload everything once')
    .action(async (options: EnrolWish) => {
      const { stateDir, controlPlaneKey, proxy: wanted } = await config();
      if (options.anew && options.successorOf === undefined) throw anewOfWhom();
      // A bad address is refused before a secret is asked for.
      const { proxy } = routeTo(controlPlaneOrigin(options.url), wanted);
      await requireStateDir(stateDir);
      await refuseSecondEnrolment(stateDir, options.replace === true);
      const token = await readSecret('Enrolment token', options.tokenFile);
      const identity = await ensureIdentity(stateDir);
      const { url, name, successorOf: succeeds } = options;
      const pinned = await enrol({
        url,
        proxy,
        name,
        token,
        identity,
        succeeds,
        allowedKey: controlPlaneKey,
      });
      if (pinned.succeeds && options.anew) pinned.succeeds.anew = true;
      await saveControlPlane(stateDir, pinned);
      say(`Enrolled with ${pinned.url}.`, `Fingerprint: ${identity.fingerprint}`);
      if (pinned.succeeds) sayWhomItSucceeds(pinned.succeeds);
      say('Start it with: homeport-agent run');
    });
}

interface EnrolWish {
  url: string;
  name: string;
  tokenFile?: string;
  replace?: true;
  successorOf?: string;
  anew?: true;
}

function anewOfWhom() {
  return fail(
    'invalid_input',
    '--anew is about what a lost agent stored.',
    'Add --successor-of AGENT, or leave it out: an agent that takes nobody’s place begins anew.',
  );
}

function sayWhomItSucceeds({ id, name, waiting }: Predecessor): void {
  say(printable(`This agent has taken the place of “${name}” (${id}), which is cut off for good.`));
  if (waiting === 0) return;
  const servers = waiting === 1 ? '1 of its servers waits' : `${waiting} of its servers wait`;
  say(`${servers} for credentials: enter them in the web UI, on this agent’s page,`);
  say('or here: homeport-agent server add NAME --id ID … (the page shows the ids)');
}

async function refuseSecondEnrolment(stateDir: string, replace: boolean): Promise<void> {
  const present = await loadControlPlane(stateDir);
  if (!present || replace) return;
  throw fail(
    'conflict',
    `This agent belongs to ${present.url} already.`,
    'Use --replace to leave it, or --state for a second agent on this host.',
  );
}

function runCommand(config: LoadConfig): Command {
  return new Command('run')
    .description('connect and do the work; the first SIGTERM finishes what runs, the second ends it')
    .action(async () => {
      const loaded = await config();
      await runUntilStopped(loaded, createLog(loaded.logLevel));
    });
}

function fingerprintCommand(config: LoadConfig): Command {
  return new Command('fingerprint')
    .description('print this agent’s keys, to be compared with what the control plane shows')
    .action(async () => {
      const { stateDir } = await config();
      const identity = await ensureIdentity(stateDir);
      say(`Fingerprint: ${identity.fingerprint}`, `Sealing key: ${identity.sealingKey}`);
      const pinned = await loadControlPlane(stateDir);
      if (!pinned) return;
      say(`Agent id:    ${pinned.agentId}`, `Enrolled at: ${pinned.url}`);
      if (pinned.succeeds) say(printable(`Successor of: “${pinned.succeeds.name}” (${pinned.succeeds.id})`));
    });
}

function say(...lines: string[]): void {
  for (const line of lines) process.stdout.write(`${line}\n`);
}

function printFailure({ code, message, hint, detail }: Failure): void {
  process.stderr.write(printable(`${message} (${code})\n${hint}\n${detail ? `${detail}\n` : ''}`));
}
