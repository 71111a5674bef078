import { createWriteStream } from 'node:fs';
import { chmod, link, open, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { type Failure, FailureError, fail, toFailure } from '../../protocol/failure.ts';
import type { ReleaseFile } from '../../protocol/release.ts';
import type { UpdateOutcome } from '../../protocol/update.ts';
import type { AgentConfig } from '../config.ts';
import type { Log } from '../log.ts';
import { judgeRelease, notPossible } from './judge.ts';
import { type Trial, updateRecord } from './outcome.ts';
import { loadReleaseKey } from './release-key.ts';
import { stagingIn } from './staging.ts';
import { unpack } from './unpack.ts';
import { updatesDenied } from './updater.ts';

const UNPACK_MS = 5 * 60_000;

/** What is to be replaced, and by whom it is judged. */
export interface UpdatePlace {
  config: Pick<AgentConfig, 'policy' | 'releaseKeyFile' | 'stateDir'> & { updatesDir: string };
  /** Path of the agent's program. */
  program: string;
  /** What it is of a release. */
  platform: string;
  /** Its version. */
  running: string;
}

/** What is done to the agent from outside. */
export interface UpdateHands {
  /** Stops the agent, lets it finish, and starts the program that is in place then. */
  restart(): Promise<void>;
  /** What a program says its version is. */
  versionOf(program: string): Promise<string>;
  /** Waits until the agent works as this version; gives what is in its way where it does not in time. */
  settled(version: string): Promise<Failure | undefined>;
}

/**
 * Puts the build that the agent asks for in its place, and the former one again if the new one does not connect. Run
 * beside the agent, with the right to replace its program, from the former program: whatever the new one does, this goes on.
 * Started again after it was interrupted, it takes up the trial where it stood.
 * @returns what became of it; `undefined` where nothing was asked for
 */
export async function applyUpdate(
  place: UpdatePlace,
  hands: UpdateHands,
  log: Log,
): Promise<UpdateOutcome | undefined> {
  const record = updateRecord(place.config.updatesDir);
  const interrupted = await record.trial();
  if (interrupted) return conclude(interrupted);
  const staging = stagingIn(place.config.stateDir);
  const wanted = await staging.requested();
  if (wanted === undefined) return undefined;
  const trial: Trial = { v: 1, from: place.running, to: wanted };
  try {
    await prepare(place, hands, wanted);
  } catch (error) {
    // The agent has stopped taking jobs for this; started again it takes them, and tells what is noted here.
    return end(trial, 'refused', toFailure(error));
  }
  log.info({ from: trial.from, to: trial.to }, 'replacing the agent');
  await record.beginTrial(trial);
  await rm(formerOf(place.program), { force: true });
  await link(place.program, formerOf(place.program));
  await rename(nextOf(place.program), place.program);
  await syncFolder(place.program);
  return conclude(trial, await attempt(hands.restart));

  async function conclude(on: Trial, notStarted?: Failure): Promise<UpdateOutcome> {
    const obstacle = notStarted ?? (await hands.settled(on.to));
    if (!obstacle) return end(on, 'updated');
    log.error({ to: on.to, code: obstacle.code }, `the new version does not connect: ${obstacle.message}`);
    // Missing where this was interrupted before the new one came into place.
    await rename(formerOf(place.program), place.program).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') throw error;
    });
    await syncFolder(place.program);
    return end(on, 'rolled-back', rolledBack(on, obstacle));
  }
  async function end(
    { from, to }: Trial,
    result: UpdateOutcome['result'],
    failure?: Failure,
  ): Promise<UpdateOutcome> {
    const at = new Date().toISOString();
    const outcome: UpdateOutcome = { from, to, at, result, ...(failure ? { failure } : {}) };
    await record.note(outcome);
    if (result !== 'updated') {
      const notStarted = await attempt(hands.restart);
      if (notStarted) log.error({ code: notStarted.code }, notStarted.message);
    }
    await record.endTrial();
    for (const path of [formerOf(place.program), nextOf(place.program)]) await rm(path, { force: true });
    log.info({ ...outcome, failure: failure?.message }, 'the update is over');
    return outcome;
  }
}

/** The former program, while a new one is on trial. Hidden beside it, since renaming is atomic in one file system alone. */
export function formerOf(program: string): string {
  return join(dirname(program), `.${basename(program)}.former`);
}

function nextOf(program: string): string {
  return join(dirname(program), `.${basename(program)}.next`);
}

/** Judges all anew, as the agent did, and more: nothing that the agent's account could have written is trusted. */
async function prepare(place: UpdatePlace, hands: UpdateHands, wanted: string): Promise<void> {
  const { config, platform, program, running } = place;
  if (config.policy.update === 'deny') throw updatesDenied();
  const key = await loadReleaseKey(config.releaseKeyFile);
  if (key === undefined) throw notPossible('No release key is pinned here.', 'Run install.sh once.');
  const staged = await stagingIn(config.stateDir).read();
  await using packed = staged.build;
  const wish = { key, platform, running, wanted };
  const file: ReleaseFile = judgeRelease(staged.manifest, staged.signature, wish);
  const next = nextOf(program);
  await rm(next, { force: true });
  const to = createWriteStream(next, { flags: 'wx', mode: 0o700, flush: true });
  await unpack(packed, file, AbortSignal.timeout(UNPACK_MS), to);
  await chmod(next, 0o755);
  const version = await hands.versionOf(next);
  if (version !== wanted) {
    throw notPossible(
      `The new build does not start on this host: ${version.slice(0, 500)}`,
      'The executables need glibc 2.28 or newer. install.sh says more, run on the host.',
    );
  }
}

async function attempt(act: () => Promise<void>): Promise<Failure | undefined> {
  try {
    await act();
    return undefined;
  } catch (error) {
    if (error instanceof FailureError) return error.failure;
    const hint = 'Look at the service on the agent’s host.';
    return fail('internal', `The agent could not be restarted: ${(error as Error).message}`, hint).failure;
  }
}

function rolledBack({ from, to }: Trial, { hint, message }: Failure): Failure {
  return fail(
    'update_rolled_back',
    `Version ${to} did not connect, so ${from} was put in place again.`,
    `It was in this way: ${message} ${hint} More: journalctl --unit homeport-agent, on its host.`.slice(
      0,
      4000,
    ),
  ).failure;
}

async function syncFolder(program: string): Promise<void> {
  await using folder = await open(dirname(program), 'r');
  await folder.sync();
}
